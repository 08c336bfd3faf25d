"""Tracks are matched to the truth frame by frame, and what is to be ignored is on neither side."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sightline.pipeline.truth_labels import LabelledObject, label_accuracy, labelled_objects
from sightline.pipeline.truth_matching import matched, overlaps, to_score
from sightline.pipeline.truth_tables import Boxes, SceneTables

Line = tuple[int, int, float, str]
"""Frame, id, left edge and name of a box of 10 by 10."""


def boxes(lines: list[Line]) -> Boxes:
    corners = [[x, 0, x + 10, 10] for _, _, x, _ in lines]
    return Boxes(
        frames=np.array([frame for frame, _, _, _ in lines], np.int64),
        ids=np.array([number for _, number, _, _ in lines], np.int64),
        corners=np.array(corners, np.float64).reshape(-1, 4),
        names=[name for _, _, _, name in lines],
    )


def scene(
    truth: list[Line], tracks: list[Line], visibility: list[float] | None = None, frames: int = 20
) -> SceneTables:
    return SceneTables(
        "gate", 1, frames, boxes(truth), np.array(visibility or [1.0] * len(truth)), boxes(tracks)
    )


def along(number: int, x: float, name: str, frames: range = range(20)) -> list[Line]:
    return [(frame, number, x, name) for frame in frames]


def labelled(found: SceneTables) -> list[LabelledObject]:
    return labelled_objects(found, matched(found))


def test_overlap_is_the_shared_part_of_the_union() -> None:
    first = np.array([[0, 0, 10, 10], [0, 0, 0, 0]], float)
    second = np.array([[5, 0, 15, 10], [0, 0, 0, 0], [0, 0, 10, 10]], float)
    np.testing.assert_allclose(overlaps(first, second), [[1 / 3, 0, 1], [0, 0, 0]])


def test_a_track_is_on_the_object_that_it_overlaps_by_half() -> None:
    at_half = scene([(3, 1, 0, "a")], [(3, 7, 10 / 3, "a")])
    assert matched(at_half).tolist() == [[0, 0]]
    assert matched(scene([(3, 1, 0, "a")], [(3, 7, 3.4, "a")])).tolist() == []
    assert matched(scene([(3, 1, 0, "a")], [(4, 7, 0, "a")])).tolist() == []


def test_each_is_matched_once_and_for_the_best_sum() -> None:
    both = scene([(0, 1, 0, "a"), (0, 2, 2, "b")], [(0, 7, 1, "a"), (0, 8, 4, "b")])
    assert sorted(matched(both).tolist()) == [[0, 0], [1, 1]]


@given(st.lists(st.integers(0, 30), max_size=4), st.lists(st.integers(0, 30), max_size=4))
def test_no_other_matching_has_more_overlap(left: list[int], right: list[int]) -> None:
    found = scene(
        [(0, number, x, "a") for number, x in enumerate(left)],
        [(0, number, x, "a") for number, x in enumerate(right)],
    )
    overlap = overlaps(found.truth.corners, found.tracks.corners)
    overlap[overlap < 0.5] = 0
    pairs = matched(found)
    assert all(overlap[a, b] >= 0.5 for a, b in pairs)
    rows, columns = sorted(overlap.shape)
    tall = overlap if overlap.shape == (rows, columns) else overlap.T
    ways = itertools.permutations(range(columns), rows)
    best = max(sum(tall[row, column] for row, column in enumerate(way)) for way in ways)
    assert sum(overlap[a, b] for a, b in pairs) == pytest.approx(best)


def test_an_object_that_hardly_shows_is_neither_missed_nor_is_its_track_false() -> None:
    hidden = scene(
        [(0, 1, 0, "a"), (0, 2, 50, "a"), (1, 1, 0, "a")],
        [(0, 7, 0, "a"), (0, 8, 50, "a"), (0, 9, 90, "a")],
        [0.2, 0.25, 0.1],
    )
    scored = to_score(hidden, matched(hidden))
    assert [row[:2] for row in scored.truth] == [[0, 2]]
    assert [row[:2] for row in scored.tracks] == [[0, 8], [0, 9]]
    assert scored.frames == 20


def test_a_label_is_right_if_it_is_the_last_one_of_the_track() -> None:
    changing = along(7, 0, "car-red", range(10)) + along(7, 0, "car-blue", range(10, 20))
    (found,) = labelled(scene(along(1, 0, "car-blue"), changing))
    assert (found.object_id, found.attribute, found.share) == (1, "car-blue", 1.0)


def test_an_object_with_two_tracks_counts_by_their_frames() -> None:
    two = along(7, 0, "car-red", range(5)) + along(8, 0, "car-blue", range(5, 20))
    found = labelled(scene(along(1, 0, "car-blue"), two))
    assert [each.share for each in found] == [0.75]
    assert label_accuracy(found) == 0.75


def test_a_track_belongs_to_the_object_that_it_was_on_longest() -> None:
    truth = sorted(along(1, 0, "car-red", range(12)) + along(2, 100, "person-worker", range(20)))
    tracks = sorted(along(7, 0, "person-worker", range(4)) + along(7, 100, "person-worker", range(4, 20)))
    found = labelled(scene(truth, tracks))
    assert [(each.object_id, each.share) for each in found] == [(2, 1.0)]


def test_an_object_that_nobody_could_see_well_has_no_label_to_get_right() -> None:
    truth = along(1, 0, "car-red")
    tracks = along(7, 0, "car-blue")
    clear = [0.5] * 10 + [0.49] * 10
    assert len(labelled(scene(truth, tracks, clear))) == 1
    assert labelled(scene(truth, tracks, [0.5] * 9 + [0.49] * 11)) == []
    assert label_accuracy([]) is None


def test_a_scene_without_frames_has_nothing_to_match() -> None:
    empty = scene([], [], frames=0)
    assert matched(empty).shape == (0, 2)
    assert to_score(empty, matched(empty)).tracks == []
