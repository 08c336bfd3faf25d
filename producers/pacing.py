"""Keeps a file from being read further ahead than its consumers have come.

The frames topic keeps records for a limited time and space, so a long video read as fast as the disk allows
would lose frames before a slower detector gets to them. What a consumer group has committed says how far it
is, whoever runs it and wherever: no message between stages is needed. A stream gets one window of frames for
each commit of the group, so the window must hold what a commit interval and `POLL_INTERVAL_S` can take.
"""

import logging
import threading
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Any, Final, Self

from confluent_kafka import ConsumerGroupTopicPartitions, KafkaException, TopicPartition
from confluent_kafka.admin import AdminClient

from producers.account import FrameAccount

POLL_INTERVAL_S: Final = 0.25

_LOG = logging.getLogger(__name__)

Committed = Callable[[str, str, list[int]], Mapping[int, int]]
"""(group, topic, partitions) to the next offset that the group will read, where it has committed one."""


def committed_offsets(client: AdminClient, timeout_s: float = 5.0) -> Committed:
    """A function that asks the broker for a group's committed offsets; it raises `KafkaException`."""

    def ask(group: str, topic: str, partitions: list[int]) -> Mapping[int, int]:
        wanted = [TopicPartition(topic, partition) for partition in partitions]
        request = [ConsumerGroupTopicPartitions(group, wanted)]
        answers: Mapping[str, Any] = client.list_consumer_group_offsets(request, request_timeout=timeout_s)
        client.poll(0)  # hands over the client's log lines
        found = answers[group].result().topic_partitions
        return {each.partition: each.offset for each in found if each.error is None and each.offset >= 0}

    return ask


class Pacer:
    """Tells the accounts of paced streams what their consumers have taken. A context manager.

    Args:
        committed: How to find out.
        interval_s: How often to ask while frames wait to be taken.
    """

    def __init__(self, committed: Committed, interval_s: float = POLL_INTERVAL_S) -> None:
        self._committed = committed
        self._interval_s = interval_s
        self._lock = threading.Lock()
        self._watched: list[tuple[str, str, FrameAccount]] = []
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name="pacing", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._closing.set()
        self._thread.join()

    def watch(self, group: str, topic: str, account: FrameAccount) -> None:
        """Follow what the group takes of this stream's frames."""
        with self._lock:
            self._watched.append((group, topic, account))

    def unwatch(self, account: FrameAccount) -> None:
        """Follow it no more."""
        with self._lock:
            self._watched = [each for each in self._watched if each[2] is not account]

    def update(self) -> None:
        """Ask once for each group and topic, and tell the accounts; raises `KafkaException`."""
        with self._lock:
            watched = list(self._watched)
        for group, topic in {(group, topic) for group, topic, _ in watched}:
            accounts = [each for *names, each in watched if names == [group, topic]]
            partitions = sorted({partition for each in accounts for partition in each.partitions()})
            if not partitions:
                continue
            for partition, offset in self._committed(group, topic, partitions).items():
                for account in accounts:
                    account.taken(partition, offset)

    def _run(self) -> None:
        while not self._closing.wait(self._interval_s):
            try:
                self.update()
            except KafkaException as error:  # the broker may be away for a while; nothing is read meanwhile
                _LOG.debug("The consumers' progress is unknown: %s", error)
