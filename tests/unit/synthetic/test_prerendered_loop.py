"""A loop repeats its pictures, and its truth stays true: ids rise, and who is cut off leaves the zones."""

import threading

import numpy as np

from producers.synthetic import SceneSettings, World
from producers.synthetic.camera import LoopCamera

SETTINGS = SceneSettings("footpath", 3, fps=10, seconds=5, width=320, height=180)


def test_the_first_round_is_what_the_world_shows() -> None:
    camera, world = LoopCamera(SETTINGS, 1.2), World(SETTINGS)
    for index in range(12):
        image, truth = camera.frame(index)
        assert (image == world.draw(index)).all()
        assert truth.ids.tolist() == world.truth(index).ids.tolist()
        assert truth.boxes.tolist() == world.truth(index).boxes.tolist()
        assert truth.events == world.truth(index).events


def test_later_rounds_show_the_same_with_ids_and_times_of_their_own() -> None:
    camera = LoopCamera(SETTINGS, 1.2)
    pictures = list(camera.pictures(threading.Event()))
    assert len(pictures) == 50
    first = {number for picture in pictures[:12] for number in ids_of(picture)}
    for picture, later in zip(pictures[:26], pictures[12:38], strict=True):
        assert picture.image is later.image
        assert picture.truth is not None
        assert later.truth is not None
        assert later.truth.boxes is picture.truth.boxes
        assert len(set(np.subtract(later.truth.ids, picture.truth.ids).tolist())) <= 1
        assert later.index >= 24 or not first & set(ids_of(later))


def test_times_rise_and_zones_are_entered_and_left_in_turn_over_the_cut() -> None:
    inside: set[tuple[str, int]] = set()
    cuts = 0
    pictures = list(LoopCamera(SETTINGS, 1.2).pictures(threading.Event()))
    before_ns = -1
    for picture in pictures:
        assert picture.truth is not None
        for event in picture.truth.events:
            assert before_ns < event.at_ns <= picture.timestamp_ns
            key = (event.place, event.object_id)
            if event.kind == "entered":
                assert key not in inside
                inside.add(key)
            elif event.kind == "left":
                inside.remove(key)
                cuts += event.at_ns == picture.timestamp_ns
        before_ns = picture.timestamp_ns
    assert cuts > 0


def ids_of(picture: object) -> list[int]:
    truth = getattr(picture, "truth", None)
    assert truth is not None
    ids: list[int] = truth.ids.tolist()
    return ids
