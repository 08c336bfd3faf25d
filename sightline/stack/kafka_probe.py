"""Whether a Kafka broker serves its clients, asked as a client would."""

import logging
from collections.abc import Callable
from types import TracebackType

from confluent_kafka import Consumer, KafkaException, TopicPartition

_GROUP = "sightline-ready"
_ATTEMPT_S = 1.0


def _quiet() -> logging.Logger:
    """A logger for refused connections, which are expected here and are no news."""
    logger = logging.Logger("sightline.stack.kafka_probe")
    logger.addHandler(logging.NullHandler())
    return logger


class KafkaProbe:
    """A client that reads a group's committed offset, which needs the broker and its group coordinator."""

    def __init__(self, bootstrap: str) -> None:
        """Make the client for a broker's address; it connects in the background."""
        self._consumer = Consumer(
            {
                "bootstrap.servers": bootstrap,
                "group.id": _GROUP,
                "enable.auto.commit": False,
                # The broker is starting on this machine: try often, say nothing.
                "reconnect.backoff.ms": 50,
                "reconnect.backoff.max.ms": 100,
                "retry.backoff.ms": 50,
                "log_level": 0,
            },
            logger=_quiet(),
        )

    def committed_read_works(self) -> bool:
        """Try once, for at most a second."""
        try:
            answer = self._consumer.committed([TopicPartition(_GROUP, 0)], timeout=_ATTEMPT_S)
        except KafkaException:
            return False
        return all(each.error is None for each in answer)

    def __enter__(self) -> Callable[[], bool]:
        return self.committed_read_works

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._consumer.close()
