"""A stream keeps its order, and a commit its meaning, whatever the group does while frames are under way."""

import asyncio
from collections.abc import Callable, Sequence

from simulated_group import Answers, Broker, Member, Message, Step

FIRST = 112
NONE: Step = lambda member: ()  # noqa: E731
"""Nothing is read; the loop goes round once, in which what is answered is published."""


def read(*offsets: int) -> Step:
    return lambda member: [Message(0, offset) for offset in offsets]


def do(act: Callable[[Member], object], *offsets: int) -> Step:
    """Something happens inside the call, which then returns these records all the same."""

    def step(member: Member) -> Sequence[Message]:
        act(member)
        return [Message(0, offset) for offset in offsets]

    return step


def run(*steps: Step, answers: Answers, refused: Sequence[int] = ()) -> Broker:
    broker = Broker({0: list(range(FIRST))}, {0: FIRST}, {*refused})

    async def work() -> None:
        member = Member(broker, iter(steps), answers)
        await asyncio.wait_for(member.worker.run(member.stop), 10)

    asyncio.run(work())
    return broker


def test_what_was_read_before_a_partition_went_and_came_back_is_not_published_after_it() -> None:
    answers = Answers()
    broker = run(
        do(lambda m: m.assign(0), 112, 113),
        read(114, 115),
        read(116, 117),
        do(lambda _: answers.release(0)),
        NONE,
        NONE,  # 112 and 113 are stored
        do(lambda m: m.revoke(0)),
        do(lambda _: answers.release(1)),
        NONE,  # 114 and 115 are not ours now
        do(lambda m: m.assign(0), 114, 115),
        read(116, 117),
        do(lambda _: answers.release(2)),
        NONE,  # 116 and 117 as read the first time
        NONE,
        do(lambda _: answers.release(3, 4)),
        NONE,
        NONE,
        answers=answers,
    )
    assert broker.stored[0][FIRST:] == [112, 113, 114, 115, 116, 117]
    assert broker.commits == {0: 118}


def test_records_that_come_with_the_call_that_takes_their_partition_are_left_to_the_next_owner() -> None:
    answers = Answers()
    broker = run(
        do(lambda m: m.assign(0), 112, 113),
        do(lambda m: m.revoke(0), 114, 115),
        do(lambda m: m.assign(0), 112, 113),
        do(lambda _: answers.release(0, 1)),
        NONE,
        NONE,
        read(114),
        do(lambda _: answers.release(2)),
        NONE,
        answers=answers,
    )
    assert broker.stored[0][FIRST:] == [112, 113, 114]


def test_what_is_stored_late_for_an_assignment_does_not_finish_the_same_record_of_the_next() -> None:
    answers = Answers()
    committed: list[int] = []

    def hold(member: Member) -> None:
        member.delivers = lambda: 0

    def deliver_first(member: Member) -> None:
        member.delivers = lambda: 1

    def note(member: Member) -> None:
        hold(member)
        member.worker._commit(asynchronous=True)
        committed.append(member.broker.commits[0])

    broker = run(
        do(lambda m: m.assign(0), 112),
        do(lambda m: (hold(m), answers.release(0))),
        NONE,
        NONE,  # 112 is with the producer
        do(lambda m: m.revoke(0)),
        do(lambda m: m.assign(0), 112),
        do(deliver_first),  # the 112 of before is stored
        do(note),
        do(lambda _: answers.release(1)),
        NONE,
        NONE,
        do(deliver_first),
        do(note),
        answers=answers,
    )
    assert committed == [FIRST, FIRST + 1]
    assert broker.stored[0][FIRST:] == [112, 112]


def test_a_worker_that_lost_its_partitions_in_silence_commits_nothing_for_them() -> None:
    answers = Answers()

    def lose(member: Member) -> None:
        member.is_fenced = True
        member.lose(0)
        member.is_fenced = False

    broker = run(
        do(lambda m: m.assign(0), 112, 113),
        do(lambda _: answers.release(0)),
        NONE,
        do(lose),
        NONE,
        answers=answers,
    )
    assert broker.commits == {0: FIRST}


def test_detections_that_no_topic_takes_are_a_letter_and_the_partition_moves_on() -> None:
    answers = Answers()
    answers.boxes = 1100  # times 4 KiB of looks
    letters: list[dict[str, bytes]] = []

    def note(member: Member) -> None:
        letters.extend(member.letters)

    broker = run(
        do(lambda m: m.assign(0), 112),
        do(lambda _: answers.release(0)),
        NONE,
        NONE,
        do(lambda _: setattr(answers, "boxes", 0), 113),
        do(lambda _: answers.release(1)),
        NONE,
        do(note),
        answers=answers,
        refused=[112],
    )
    assert [letter["seq"] for letter in letters] == [b"112"]
    assert b"its detections take 4" in letters[0]["reason"]
    assert broker.stored[0][FIRST:] == [113]
    assert broker.commits == {0: 114}
