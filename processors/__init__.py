"""The server stages: infer (frames to detections) and track (detections to tracks)."""
