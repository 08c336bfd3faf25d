"""The tracker keeps identities, labels and time straight."""

import numpy as np
from scenes import FRAME_NS, frame

from processors.track.config import TrackerConfig
from processors.track.state import initial_state
from processors.track.tracker import StepResult, step
from schemas.detections import Detections
from schemas.tracks import Tracks

CONFIG = TrackerConfig()


def play(messages: list[Detections]) -> list[StepResult]:
    state, results = initial_state(), []
    for message in messages:
        state, result = step(state, message, CONFIG)
        assert result is not None
        results.append(result)
    return results


def walk(seq: int, x: float = 100.0, speed: float = 5.0) -> list[float]:
    left = x + speed * seq
    return [left, 200.0, left + 40, 300.0]


def test_an_object_keeps_its_id_and_its_box_follows_it() -> None:
    results = play([frame(seq, [walk(seq)]) for seq in range(20)])
    assert [result.tracks.track_ids.tolist() for result in results] == [[1]] * 20
    np.testing.assert_allclose(results[-1].tracks.boxes[0], walk(19), atol=3)
    assert results[-1].tracks.observed.tolist() == [True]
    assert results[-1].tracks.labels == ("person",)
    assert results[-1].tracks.trace == (("capture", 5),)


def test_two_objects_that_pass_each_other_keep_their_ids() -> None:
    there = [[walk(seq, 100, 8), [400 - 8 * seq, 190, 440 - 8 * seq, 290]] for seq in range(40)]
    results = play([frame(seq, boxes) for seq, boxes in enumerate(there)])
    first, last = results[0].tracks, results[-1].tracks
    assert sorted(last.track_ids.tolist()) == [1, 2]
    right = {int(i): float(b[0]) for i, b in zip(last.track_ids, last.boxes, strict=True)}
    left = {int(i): float(b[0]) for i, b in zip(first.track_ids, first.boxes, strict=True)}
    assert all((left[i] < 250) == (right[i] > 250) for i in (1, 2))


def test_a_short_gap_keeps_the_id_and_is_marked_as_not_observed() -> None:
    # Of a stream where gaps have always ended; a new one is not relied on.
    messages = [frame(seq, [walk(seq, speed=1)] if seq % 20 < 16 else []) for seq in range(300)]
    results = play(messages)
    assert [result.tracks.observed.tolist() for result in results[-4:]] == [[False]] * 4
    assert [result.tracks.observed.tolist() for result in results[-5:-4]] == [[True]]
    results = [result for result in results if len(result.tracks.track_ids)]
    assert {tuple(result.tracks.track_ids.tolist()) for result in results} == {(1,)}


def test_a_long_gap_ends_the_track_and_ids_are_never_reused() -> None:
    messages = [frame(0, [walk(0)]), frame(1, [walk(1)]), frame(2, [walk(2)], at_ns=60 * 10**9)]
    assert [result.tracks.track_ids.tolist() for result in play(messages)] == [[1], [1], [2]]


def test_a_new_epoch_after_a_short_stop_keeps_the_ids() -> None:
    messages = [frame(seq, [walk(seq)]) for seq in range(10)]
    messages += [frame(seq, [walk(seq + 11)], epoch=1, at_ns=(seq + 11) * FRAME_NS) for seq in range(5)]
    assert {tuple(result.tracks.track_ids.tolist()) for result in play(messages)} == {(1,)}


def test_a_frame_that_is_not_newer_changes_nothing() -> None:
    state, _ = step(initial_state(), frame(5, [walk(5)], epoch=2), CONFIG)
    for old in (frame(5, [walk(0)], epoch=2), frame(4, [], epoch=2), frame(9, [walk(9)], epoch=1)):
        after, result = step(state, old, CONFIG)
        assert after is state
        assert result is None


def test_a_label_is_announced_once_and_a_short_error_does_not_change_it() -> None:
    classes = [2] * 10 + [1] * 3 + [2] * 10
    results = play([frame(seq, [walk(seq)], classes=[kind]) for seq, kind in enumerate(classes)])
    news = [change for result in results for change in result.classifications]
    assert [(change.label, change.previous, change.track_id) for change in news] == [("truck", None, 1)]
    assert {result.tracks.labels for result in results} == {("truck",)}


def test_a_label_changes_when_the_evidence_does() -> None:
    classes = [1] * 4 + [2] * 20
    results = play([frame(seq, [walk(seq)], classes=[kind]) for seq, kind in enumerate(classes)])
    news = [change for result in results for change in result.classifications]
    assert [(change.label, change.previous) for change in news] == [("car", None), ("truck", "car")]
    assert 0.5 < news[1].confidence <= 1


def test_too_many_detections_are_dropped_by_score_and_counted() -> None:
    config = TrackerConfig(max_detections=3, max_tracks=2)
    boxes = [[i * 100, 0, i * 100 + 50, 90] for i in range(5)]
    _, result = step(initial_state(), frame(0, boxes, [0.75, 0.9, 0.8, 0.95, 0.71]), config)
    assert result is not None
    assert result.tracks.left_out == {"detections_over_limit": 2, "tracks_full": 1}
    assert sorted(result.tracks.boxes[:, 0].tolist()) == [100, 300]
    assert result.tracks.detections == 5
    assert Tracks.from_bytes(result.tracks.to_bytes()).left_out == result.tracks.left_out


def test_a_doubtful_object_is_put_out_once_it_has_been_seen_often_enough() -> None:
    results = play([frame(seq, [walk(seq)], [0.66]) for seq in range(5)])
    assert [len(result.tracks.track_ids) for result in results] == [0, 1, 1, 1, 1]


def test_a_weak_detection_starts_nothing_but_continues_a_track() -> None:
    scores = [0.2] * 5 + [0.9] * 5 + [0.15] * 10
    results = play([frame(seq, [walk(seq)], [score]) for seq, score in enumerate(scores)])
    assert [len(result.tracks.track_ids) for result in results] == [0] * 5 + [1] * 15
    assert results[-1].tracks.observed.tolist() == [True]
    np.testing.assert_allclose(results[-1].tracks.scores, [0.15])
