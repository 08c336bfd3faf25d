"""The drawn cameras: the same number gives the same pictures, and the truth is what is drawn."""

import threading

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from producers.synthetic.flat import Scene, SyntheticCamera, parse_synthetic
from sightline.errors import SightlineError
from sightline.vision.palette import BACKGROUND_MAX_CHROMA, MAX_SCALE, MIN_SCALE, PALETTE


@settings(max_examples=30, deadline=None)
@given(number=st.integers(0, 2**32), index=st.integers(0, 200_000), objects=st.floats(0.5, 20))
def test_the_truth_is_what_is_drawn(number: int, index: int, objects: float) -> None:
    camera = SyntheticCamera(Scene(number, objects=objects))
    image, truth = camera.draw(index), camera.truth(index)
    coloured = np.ptp(image.astype(int), axis=2) > BACKGROUND_MAX_CHROMA
    for (x1, y1, x2, y2), kind in zip(truth.boxes.astype(int), truth.kinds, strict=True):
        part = (image[y1:y2, x1:x2] == PALETTE[kind].bgr).all(axis=2)
        rows, columns = np.nonzero(part.any(axis=1))[0], np.nonzero(part.any(axis=0))[0]
        assert columns[0] == 0
        assert columns[-1] == part.shape[1] - 1
        assert len(rows) > 0
        if x1 > 0 and x2 < camera.width:
            assert (rows[0], rows[-1]) == (0, part.shape[0] - 1)
            assert MIN_SCALE - 0.05 <= part.shape[1] / PALETTE[kind].width_px <= MAX_SCALE + 0.05
        coloured[y1:y2, x1:x2] = False
    # All that is left are the slivers of objects of which most is outside.
    inner = 125
    assert not coloured[:, inner:-inner].any()


@settings(max_examples=20, deadline=None)
@given(number=st.integers(0, 1000), index=st.integers(0, 5000))
def test_objects_never_overlap(number: int, index: int) -> None:
    boxes = SyntheticCamera(Scene(number, objects=20)).truth(index).boxes
    for one in range(len(boxes)):
        low = np.maximum(boxes[one, :2], boxes[:, :2])
        high = np.minimum(boxes[one, 2:], boxes[:, 2:])
        assert ((high > low).all(axis=1)).sum() == 1


def test_the_same_number_gives_the_same_pictures_and_another_others() -> None:
    one, same, other = (SyntheticCamera(Scene(number)) for number in (7, 7, 8))
    assert (one.draw(123) == same.draw(123)).all()
    assert (one.draw(123) != other.draw(123)).any()


def test_an_object_keeps_its_id_and_kind_moves_steadily_and_leaves() -> None:
    camera = SyntheticCamera(Scene(3, objects=8))
    seen: dict[int, list[tuple[int, int, float]]] = {}
    for index in range(3000):
        truth = camera.truth(index)
        assert len(set(truth.ids.tolist())) == len(truth.ids)
        for box, number, kind in zip(truth.boxes, truth.ids.tolist(), truth.kinds.tolist(), strict=True):
            if box[0] > 0 and box[2] < camera.width:
                seen.setdefault(number, []).append((index, kind, float(box[0])))
    assert len(seen) > 20
    for life in seen.values():
        indices, kinds, left = zip(*life, strict=True)
        assert len(set(kinds)) == 1
        assert list(indices) == list(range(indices[0], indices[-1] + 1))
        steps = np.diff(left)
        assert (steps >= 0).all() or (steps <= 0).all()
        assert np.abs(steps).max(initial=0) <= 7


def test_about_as_many_objects_are_in_the_picture_as_asked_for() -> None:
    for objects in (2, 5, 12):
        camera = SyntheticCamera(Scene(1, objects=objects))
        mean = np.mean([len(camera.truth(index).ids) for index in range(0, 20_000, 50)])
        assert 0.7 * objects < mean < 1.3 * objects


def test_it_gives_so_many_frames_at_even_times() -> None:
    scene, live = parse_synthetic("synthetic:4?seconds=2&fps=10&size=320x180&live=0")
    pictures = list(SyntheticCamera(scene).pictures(threading.Event()))
    assert not live
    assert [picture.timestamp_ns for picture in pictures] == [index * 100_000_000 for index in range(20)]
    assert pictures[0].image.shape == (180, 320, 3)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("synthetic:", "invalid literal"),
        ("synthetic:-1", "the number is -1"),
        ("synthetic:1?colour=red", "no option colour"),
        ("synthetic:1?fps=0", "fps is 0"),
        ("synthetic:1?fps=nan", "fps is nan"),
        ("synthetic:1?objects=500", "objects is 500"),
        ("synthetic:1?size=640", "invalid literal"),
        ("synthetic:1?size=64000x360", "the width is 64000"),
        ("synthetic:1?live=2", "live is 2"),
    ],
)
def test_a_source_that_is_written_wrong_is_refused(text: str, said: str) -> None:
    with pytest.raises(SightlineError, match=said):
        parse_synthetic(text)
