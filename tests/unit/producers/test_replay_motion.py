"""The load generator's objects move smoothly, and its messages are what any reader takes."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from producers.replay import ReplayedStream, moving_boxes
from schemas.detections import Detections


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32))
def test_boxes_stay_inside_keep_their_size_and_never_jump(seed: int) -> None:
    boxes = moving_boxes(np.random.default_rng(seed), np.arange(5) % 4)
    assert boxes.shape == (600, 5, 4)
    assert (boxes[:, :, :2] >= 0).all()
    assert (boxes[:, :, 2] <= 640).all()
    assert (boxes[:, :, 3] <= 360).all()
    steps = np.diff(np.concatenate((boxes, boxes[:1])), axis=0)
    assert np.abs(steps).max() < 8
    sizes = boxes[:, :, 2:] - boxes[:, :, :2]
    assert np.allclose(sizes, sizes[0], atol=1e-3)


def test_a_message_says_its_own_number_time_and_names() -> None:
    message = Detections.from_bytes(ReplayedStream("replay-000", 7, 0).message(601, 5_000))
    assert (message.stream_id, message.epoch, message.seq) == ("replay-000", 7, 601)
    assert message.captured_at_ns == 5_000
    assert message.trace == (("capture", 5_000), ("publish", 5_000))
    assert len(message.boxes) == 5
    assert message.names[0] == "car"
