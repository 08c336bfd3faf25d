"""How many pictures of a file were lost, from what it holds and what came out."""

import pytest

from producers.packets import Packets, count_lost


@pytest.mark.parametrize(
    ("times", "shown", "failures", "lost"),
    [
        (range(10), range(10), 0, 0),
        (range(10), [0, 1, 2, 6, 7, 8, 9], 3, 3),  # the decoder told of them
        (range(10), [0, 1, 2, 6, 7, 8, 9], 0, 3),  # the decoder passed over them
        (range(10), [7, 8, 9], 0, 7),  # it waited for a key frame
        (range(10), range(7), 0, 3),  # the rest
        (range(20), range(0, 20, 2), 0, 0),  # two fields make a picture
        (range(20), [*range(0, 10, 2), *range(14, 20, 2)], 0, 5),  # the same, and a hole
        ([5] * 10, [5] * 8, 2, 2),  # a file without times
        (range(10), [], 0, 10),
    ],
)
def test_lost_pictures_are_told_from_packets_that_are_no_picture(
    times: range | list[int], shown: range | list[int], failures: int, lost: int
) -> None:
    assert count_lost(Packets(list(times), 0, 0, True), shown, failures) == lost


def test_packets_that_could_not_be_taken_out_are_lost_beside_those_passed_over() -> None:
    assert count_lost(Packets(range(10), 3, 0, True), range(4, 10), 3) == 7
