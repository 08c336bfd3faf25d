"""The infer stage: frames in, detections out, through Triton. It has no state."""
