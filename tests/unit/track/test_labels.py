"""Labels by evidence: from the classifier where there is one, steady, and bounded."""

from itertools import pairwise

import numpy as np
from scenes import frame

from processors.track import labels
from processors.track.config import TrackerConfig
from processors.track.state import KIND, KIND_WEIGHT, ROWS, initial_state
from processors.track.tracker import step
from schemas.classifications import Classification
from schemas.detections import Detections

BOX = [[100, 100, 150, 220]]


def news(messages: list[Detections]) -> tuple[list[Classification], list[str]]:
    state, changes, shown = initial_state(), [], []
    for message in messages:
        state, result = step(state, message, TrackerConfig())
        assert result is not None
        changes += result.classifications
        shown += [result.tracks.labels[i] for i in result.tracks.label_ids]
    return changes, shown


def classified(seq: int, *share: float) -> Detections:
    attributes = ("red", "green", "blue", "white", "black")[: len(share)]
    return frame(seq, BOX, probabilities=np.array([share], np.float32), attributes=attributes)


def test_the_classifiers_word_counts_more_than_the_detectors() -> None:
    changes, shown = news([frame(0, BOX), *[classified(seq, 0.1, 0.8, 0.1) for seq in range(1, 6)]])
    assert shown[0] == "person"
    assert shown[-1] == "green"
    assert [(c.label, c.previous) for c in changes] == [("green", None)]
    assert 0.7 < changes[0].confidence < 0.9


def test_detections_without_probabilities_do_not_change_a_classified_label() -> None:
    messages = [classified(seq, 0.1, 0.9) for seq in range(5)]
    messages += [frame(seq, BOX) for seq in range(5, 60)]
    assert set(news(messages)[1]) == {"green"}


def test_a_row_of_zeros_means_that_there_are_no_probabilities() -> None:
    assert set(news([classified(seq, 0.0, 0.0) for seq in range(5)])[1]) == {"person"}


def test_close_calls_do_not_flicker() -> None:
    rng = np.random.default_rng(0)
    shares = np.clip(0.5 + rng.normal(0, 0.2, 100), 0, 1)
    changes, shown = news([classified(seq, a, 1 - a) for seq, a in enumerate(shares.tolist())])
    assert len(changes) <= 2
    assert sum(a != b for a, b in pairwise(shown)) <= 1


def test_a_label_can_still_change_after_hours() -> None:
    hours, second = 2000, 10**9
    messages = [frame(seq, BOX, classes=[1], at_ns=seq * second) for seq in range(hours)]
    messages += [frame(seq, BOX, classes=[2], at_ns=seq * second) for seq in range(hours, hours + 60)]
    changes, _ = news(messages)
    assert [c.label for c in changes] == ["car", "truck"]


def test_an_object_found_as_two_classes_at_once_is_one_track() -> None:
    state = initial_state()
    for seq in range(5):
        twice = [[100, 100, 200, 180], [101, 100, 202, 181]]
        state, _ = step(state, frame(seq, twice, [0.9, 0.6], [2, 1]), TrackerConfig())
    assert len(state) == 1


def test_of_two_objects_in_one_place_each_keeps_its_class() -> None:
    state = initial_state()
    for seq in range(30):
        rider, bicycle = [100 + 3 * seq, 100, 150 + 3 * seq, 220], [95 + 3 * seq, 120, 160 + 3 * seq, 230]
        state, result = step(state, frame(seq, [rider, bicycle], [0.8, 0.81], [0, 1]), TrackerConfig())
        assert result is not None
        by_label = dict(zip(result.tracks.track_ids.tolist(), result.tracks.label_ids.tolist(), strict=True))
        assert [result.tracks.labels[by_label[i]] for i in (1, 2)] == ["car", "person"]


def test_a_kind_gives_way_when_more_speaks_for_another() -> None:
    part = np.zeros((ROWS, 3))
    part[KIND_WEIGHT] = 0.5, 0.5, 4.9
    labels.take_kinds(part, np.array([0.0, 1.0, 0.0]), np.array([0.75, 0.75, 0.75]))
    assert part[KIND].tolist() == [0, 1, 0]
    assert part[KIND_WEIGHT].tolist() == [1.25, 0.25, 5]
    labels.take_kinds(part, part[KIND].copy(), np.array([0.25, 0.25, 0.25]))
    assert part[KIND].tolist() == [0, 1, 0]
    assert part[KIND_WEIGHT].tolist() == [1.5, 0.5, 5]


def test_of_two_boxes_a_track_takes_that_of_its_own_class() -> None:
    state, _ = step(initial_state(), frame(0, BOX, classes=[0]), TrackerConfig())
    beside = [105, 100, 155, 220]
    _, result = step(state, frame(1, [*BOX, beside], classes=[1, 0]), TrackerConfig())
    assert result is not None
    assert result.tracks.boxes[0, 0] > 102
