"""What edge and server share about pictures: JPEG, letterbox, YOLO heads, NMS and the inference back ends.

Triton's Python environment imports it too, so it needs NumPy (1.26 or 2) and OpenCV only, and nothing of
ours but `sightline.errors`.
"""
