"""What real detectors do and simple noise does not: doubles that persist, weak boxes on others, flicker."""

from scenes import frame

from processors.track.config import TrackerConfig
from processors.track.state import initial_state
from processors.track.tracker import StepResult, step


def play(frames: list[tuple[list[list[float]], list[float]]]) -> list[StepResult]:
    state, results = initial_state(), []
    for seq, (boxes, scores) in enumerate(frames):
        state, result = step(state, frame(seq, boxes, scores), TrackerConfig())
        assert result is not None
        results.append(result)
    return results


def person(x: float, y: float = 200.0) -> list[float]:
    return [x, y, x + 60, y + 160]


def test_a_double_that_persists_starts_no_track() -> None:
    there = [([person(100 + 3 * seq), person(112 + 3 * seq, 215)], [0.9, 0.7]) for seq in range(60)]
    assert {tuple(result.tracks.track_ids.tolist()) for result in play(there)} == {(1,)}


def test_an_unconfirmed_track_takes_no_detection_from_a_confirmed_one() -> None:
    # A false detection beside the object, better placed for its next detection than the object's own track.
    frames = [([person(300)], [0.9])] * 20
    frames += [([person(300), person(345)], [0.9, 0.66])]
    frames += [([person(330)], [0.9])] * 5
    assert play(frames)[-1].tracks.track_ids.tolist() == [1]


def test_a_false_detection_that_flickers_is_not_put_out() -> None:
    frames = [([person(300)] + ([person(900)] if seq % 6 == 3 else []), [0.9, 0.7]) for seq in range(120)]
    results = play([(boxes, scores[: len(boxes)]) for boxes, scores in frames])
    assert {tuple(result.tracks.track_ids.tolist()) for result in results} == {(1,)}


def test_what_scores_below_a_tenth_continues_nothing() -> None:
    frames = [([person(300)], [0.9])] * 20 + [([person(300)], [0.05])] * 5
    assert not play(frames)[-1].tracks.observed.any()
