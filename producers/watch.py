"""Reads the statuses of a gateway's own streams, its own and those of others."""

import logging
import threading
from collections.abc import Callable, Iterable
from types import TracebackType
from typing import Any, Final, Self

from aiokafka.partitioner import murmur2
from confluent_kafka import Consumer, KafkaError, TopicPartition

from producers.claims import StreamClaims
from schemas.streams import StreamStatus
from schemas.topics import STREAMS
from schemas.wire import DecodeError
from sightline.kafka_clients import consumer
from sightline.settings import KafkaSettings

_LOG = logging.getLogger(__name__)

CATCH_UP_TIMEOUT_S: Final = 20.0
CLAIM_TIMEOUT_S: Final = 10.0
_POLL_S: Final = 0.2
_RECORDS_PER_POLL: Final = 1000
_REFUSED: Final = (KafkaError.TOPIC_AUTHORIZATION_FAILED, KafkaError.UNKNOWN_TOPIC_OR_PART)

OnRival = Callable[[str, StreamStatus], None]
"""Is told that another gateway has taken a stream over, from the watch's thread."""


class StreamWatch:
    """One reader of `sightline.streams.v1` for all streams of a gateway, in a thread. A context manager.

    Without the right to read the topic, or if it takes too long, the gateway goes on with what it knows: then
    its clock and its state folder alone tell its epochs from those of others.

    Args:
        settings: The broker.
        partitions: How many the topic has.
        stream_ids: The streams.
        instance: Name of this gateway in its own statuses.
        on_rival: Is called once for each stream that another gateway has taken over.
    """

    def __init__(
        self,
        settings: KafkaSettings,
        partitions: int,
        stream_ids: Iterable[str],
        instance: str,
        on_rival: OnRival,
    ) -> None:
        self._settings = settings
        self._claims = {f"{name}/capture".encode(): StreamClaims(instance) for name in stream_ids}
        self._left = {(murmur2(key) & 0x7FFFFFFF) % partitions for key in self._claims}
        self._on_rival = on_rival
        self._told: set[bytes] = set()
        self._changed = threading.Condition()
        self._blind = False
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name="stream watch", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._closing.set()
        self._thread.join(5)

    def newest_epoch(self, stream_id: str) -> int:
        """The highest epoch that another gateway has used, -1 if none; waits until all is read."""
        with self._changed:
            if not self._changed.wait_for(lambda: not self._left or self._blind, CATCH_UP_TIMEOUT_S):
                _LOG.warning(
                    "The statuses of %s are not all read yet; taking an epoch without them.", stream_id
                )
            return self._of(stream_id).newest_epoch()

    def claim(
        self, stream_id: str, epoch: int, announce: Callable[[int], None], take: Callable[[int], int]
    ) -> int:
        """Make sure that nobody else has this epoch or a higher one.

        Args:
            stream_id: The stream.
            epoch: Taken already, and above what others were known to have.
            announce: Sends a status with an epoch.
            take: Takes an epoch that is at least so high.

        Returns:
            The epoch, or a higher one that was taken in its stead.
        """
        while True:
            announce(epoch)
            above = self._await(stream_id, epoch)
            if above is None:
                return epoch
            epoch = take(above)

    def _await(self, stream_id: str, epoch: int) -> int | None:
        """Wait for a claim to come back; returns the least epoch to claim instead, or None if it holds."""
        claims = self._of(stream_id)
        with self._changed:
            self._changed.wait_for(lambda: claims.hold(epoch) is not None or self._blind, CLAIM_TIMEOUT_S)
            held = claims.hold(epoch)
            if held is None and not self._blind:
                _LOG.warning("Stream %s: whether another gateway has it too is not known.", stream_id)
            return claims.newest_epoch() + 1 if held is False else None

    def _of(self, stream_id: str) -> StreamClaims:
        return self._claims[f"{stream_id}/capture".encode()]

    def _run(self) -> None:
        reader = consumer(
            self._settings,
            client_id="sightline-gateway-watch",
            group="sightline-gateway-watch",  # never joined and never committed to
            max_queue_mib=4,
            overrides={"enable.partition.eof": True},
        )
        try:
            reader.assign([TopicPartition(STREAMS.name, number, 0) for number in self._left])
            while not self._closing.is_set() and not self._blind:
                self._take(reader)
        finally:
            reader.close()

    def _take(self, reader: Consumer) -> None:
        messages = reader.consume(_RECORDS_PER_POLL, _POLL_S)
        with self._changed:
            for message in messages:
                self._see(message)
            self._changed.notify_all()
            rivals = [
                (key, claims.rival)
                for key, claims in self._claims.items()
                if claims.rival is not None and key not in self._told
            ]
        for key, rival in rivals:
            self._told.add(key)
            self._on_rival(key.decode().partition("/")[0], rival)

    def _see(self, message: Any) -> None:
        error = message.error()
        if error is not None:
            if error.code() == KafkaError._PARTITION_EOF:
                self._left.discard(message.partition())
            elif error.code() in _REFUSED or error.fatal():
                self._blind = True
                _LOG.warning(
                    "This gateway may not read %s (%s), so it cannot see another one with the same stream.",
                    STREAMS.name,
                    error.str(),
                )
            return
        claims = self._claims.get(message.key())
        if claims is None:
            return
        try:
            claims.see(StreamStatus.from_bytes(message.value()))
        except DecodeError as error:
            _LOG.info("A status of %s cannot be read: %s", message.key(), error)
