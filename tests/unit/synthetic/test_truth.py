"""The truth says what is drawn: boxes, identity, visibility, and events at the exact time."""

import numpy as np
import pytest

from producers.synthetic import ATTRIBUTES, CLASSES, KINDS, SceneSettings, World
from producers.synthetic.painting import FINE, Sun, stamp
from producers.synthetic.places import inside, side, spot_between


@pytest.mark.parametrize("kind", KINDS)
def test_the_truth_is_well_formed(kind: str) -> None:
    world = World(SceneSettings(kind, 3, width=320, height=180))
    for index in range(0, 300, 15):
        truth = world.truth(index)
        count = len(truth.ids)
        assert truth.boxes.shape == (count, 4)
        assert truth.boxes.dtype == np.float32
        assert (truth.boxes[:, :2] < truth.boxes[:, 2:]).all()
        assert (truth.boxes >= 0).all()
        assert (truth.boxes <= (320, 180, 320, 180)).all()
        assert ((truth.visibility > 0) & (truth.visibility <= 1)).all()
        assert len(set(truth.ids.tolist())) == count
        for attribute, class_ in zip(truth.attributes, truth.classes, strict=True):
            assert ATTRIBUTES[attribute].split("-")[0] == CLASSES[class_]


@pytest.mark.parametrize("kind", KINDS)
def test_boxes_hold_exactly_what_the_object_changes_in_the_picture(kind: str) -> None:
    """Where an object alone is painted white on black, its pixels' bounds are its box."""
    world = World(SceneSettings(kind, 5, light="day", weather="clear"))
    truth = world.truth(120)
    seen, shift = world._seen(120)
    sun = Sun((0.0, 0.0, 1.0), 1.0, 0.0, (0.0, 0.0), 1.0)
    checked = 0
    for one in seen:
        if one.agent.object_id not in truth.ids:
            continue
        drawn = stamp(one.agent.solid, one.pose, world._fine, sun, 255)
        assert drawn is not None
        whole = np.zeros((360 * FINE + 2000, 640 * FINE + 2000), dtype=bool)
        y, x = drawn.y - shift[1] + 1000, drawn.x - shift[0] + 1000
        whole[y : y + drawn.mask.shape[0], x : x + drawn.mask.shape[1]] = drawn.pixels[:, :, 3] == 255
        rows, columns = np.nonzero(whole.any(axis=1))[0] - 1000, np.nonzero(whole.any(axis=0))[0] - 1000
        bounds = np.array([columns[0], rows[0], columns[-1] + 1, rows[-1] + 1]) / FINE
        box = truth.boxes[truth.ids.tolist().index(one.agent.object_id)]
        assert box.tolist() == np.clip(bounds, 0, (640, 360, 640, 360)).tolist()
        checked += 1
    assert checked == len(truth.ids) > 5


@pytest.mark.parametrize("kind", KINDS)
def test_events_are_exact(kind: str) -> None:
    """Each event's time is found again by looking at every fifth of a millisecond around it."""
    world = World(SceneSettings(kind, 2))
    found = 0
    for index in range(1, 400):
        truth = world.truth(index)
        begin_ns, end_ns = (round(k * 1e9 / 30) for k in (index - 1, index))
        agents = {agent.object_id: agent for agent in world._traffic.agents}
        for event in truth.events:
            assert begin_ns < event.at_ns <= end_ns
            agent = agents.get(event.object_id)
            if agent is None:
                continue
            shares = np.linspace(0, 1, 168)
            spots = [spot_between(agent, float(share), world._view) for share in shares]
            places = {p.name: p for p in (*world.lines, *world.zones)}
            place = places[event.place]
            if event.kind == "crossed":
                states = [side(place, spot) > 0 for spot in spots]  # type: ignore[arg-type]
                assert states[-1] == (event.direction == "forward")
            else:
                states = [inside(place, spot) for spot in spots]  # type: ignore[arg-type]
                assert states[-1] == (event.kind == "entered")
            change = next(k for k, state in enumerate(states) if state == states[-1])
            low, high = shares[max(change - 1, 0)], shares[change]
            assert begin_ns + low * (end_ns - begin_ns) - 1 <= event.at_ns
            assert event.at_ns <= begin_ns + high * (end_ns - begin_ns) + 1
            found += 1
    assert found > 3


def test_zones_are_left_as_often_as_they_are_entered_by_whoever_is_gone() -> None:
    world = World(SceneSettings("footpath", 8))
    inside_now: set[tuple[str, int]] = set()
    for index in range(900):
        for event in world.truth(index).events:
            key = (event.place, event.object_id)
            if event.kind == "entered":
                assert key not in inside_now
                inside_now.add(key)
            elif event.kind == "left":
                inside_now.remove(key)
    alive = {agent.object_id for agent in world._traffic.agents}
    assert {object_id for _, object_id in inside_now} <= alive


def test_the_order_in_which_frames_are_asked_for_does_not_matter() -> None:
    settings = SceneSettings("dock", 6, fps=25, width=320, height=180)
    one, two = World(settings), World(settings)
    forward = [one.truth(index) for index in range(40)]
    for index in (39, 3, 17, 5):
        again = two.truth(index)
        assert again.ids.tolist() == forward[index].ids.tolist()
        assert again.boxes.tolist() == forward[index].boxes.tolist()
        assert again.visibility.tolist() == forward[index].visibility.tolist()
        assert again.events == forward[index].events
    assert (one.draw(21) == two.draw(21)).all()


def test_the_same_seed_has_the_same_history_at_another_frame_rate() -> None:
    fast, slow = (World(SceneSettings("junction", 6, fps=fps)) for fps in (30, 10))
    for index in range(0, 30, 7):
        assert fast.truth(3 * index).ids.tolist() == slow.truth(index).ids.tolist()
        assert fast.truth(3 * index).boxes.tolist() == slow.truth(index).boxes.tolist()


def test_what_stands_alone_is_wholly_visible() -> None:
    world = World(SceneSettings("junction", 4, density=0.2, light="day", weather="clear"))
    full = 0
    for index in range(0, 900, 30):
        truth = world.truth(index)
        for box, share in zip(truth.boxes, truth.visibility, strict=True):
            if (box[:2] > 0).all() and box[2] < 640 and box[3] < 360 and share == 1.0:
                full += 1
    assert full > 10
