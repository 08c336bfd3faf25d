"""Who reads a file knows what its consumers have taken."""

from collections.abc import Mapping

from confluent_kafka import KafkaError, KafkaException
from hypothesis import given
from hypothesis import strategies as st

from producers.account import FrameAccount
from producers.pacing import Pacer


def published(*stored: tuple[int, int]) -> FrameAccount:
    account = FrameAccount(paced=True)
    for partition, offset in stored:
        account.capture()
        account.send()
        account.publish(partition, offset)
    return account


def test_each_account_learns_of_its_own_group_topic_and_partitions() -> None:
    asked: list[tuple[str, str, list[int]]] = []

    def committed(group: str, topic: str, partitions: list[int]) -> Mapping[int, int]:
        asked.append((group, topic, partitions))
        return {1: 12} if group == "infer" else {}

    frames, others = published((1, 10), (1, 11), (1, 12)), published((1, 10))
    pacer = Pacer(committed)
    pacer.watch("infer", "frames", frames)
    pacer.watch("track", "detections", others)
    pacer.update()
    assert (frames.ahead, others.ahead) == (1, 1)
    assert sorted(asked) == [("infer", "frames", [1]), ("track", "detections", [1])]


def test_nobody_is_asked_when_all_is_taken() -> None:
    def committed(group: str, topic: str, partitions: list[int]) -> Mapping[int, int]:
        raise AssertionError("asked")

    account = published((1, 10))
    account.taken(1, 11)
    pacer = Pacer(committed)
    pacer.watch("infer", "frames", account)
    pacer.watch("infer", "frames", published())
    pacer.update()
    assert account.ahead == 0


def test_a_group_that_never_committed_has_taken_nothing() -> None:
    account = published((0, 5), (0, 6))
    pacer = Pacer(lambda group, topic, partitions: {})
    pacer.watch("infer", "frames", account)
    pacer.update()
    assert account.ahead == 2


def test_a_broker_that_is_away_is_asked_again() -> None:
    account = published((0, 5))
    answers = [KafkaException(KafkaError(KafkaError._TRANSPORT)), {0: 6}]

    def committed(group: str, topic: str, partitions: list[int]) -> Mapping[int, int]:
        answer = answers.pop(0)
        if isinstance(answer, KafkaException):
            raise answer
        return answer

    pacer = Pacer(committed, interval_s=0.001)
    pacer.watch("infer", "frames", account)
    with pacer:
        assert account.wait_for_room(1, 1, timeout_s=10)


@given(
    offsets=st.lists(st.integers(0, 1000), unique=True, max_size=50).map(sorted), commit=st.integers(0, 1001)
)
def test_ahead_counts_the_records_at_and_behind_the_commit(offsets: list[int], commit: int) -> None:
    account = published(*((2, offset) for offset in offsets))
    account.taken(2, commit)
    assert account.ahead == sum(offset >= commit for offset in offsets)


def test_a_stream_that_is_not_paced_remembers_nothing() -> None:
    account = published((0, 1))
    account.stop_pacing()
    account.capture()
    account.send()
    account.publish(0, 2)
    assert account.ahead == 0
    assert account.counters() == {"captured": 2, "published": 2}
