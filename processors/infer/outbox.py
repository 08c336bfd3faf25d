"""The infer worker's way to the broker: stores records in the order given, none without those before it."""

import asyncio
import time
from collections.abc import Callable, Iterable
from typing import Any, Final

from confluent_kafka import KafkaError, KafkaException, Producer

from schemas import topics
from schemas.dead_letters import Headers
from schemas.streams import StreamStatus
from sightline.errors import SightlineError

RETRY_S: Final = 0.002
"""How long to sleep while the producer's queue is full."""


class Outbox:
    """Hands records to a producer, and raises once one of them was not stored.

    Args:
        producer: An idempotent producer that never gives a record up and, after the broker has refused one
            for good, sends nothing more: `kafka_clients.producer` with `gapless`.
    """

    def __init__(self, producer: Producer) -> None:
        self._producer = producer
        self._failure: SightlineError | None = None

    async def send(
        self,
        topic: str,
        partition: int,
        key: bytes | None,
        value: bytes,
        headers: Headers,
        on_stored: Callable[[], None],
    ) -> None:
        """Queue a record, waiting while the queue is full; `on_stored` is called by a later `poll`.

        Raises:
            SightlineError: This one or an earlier one was refused.
        """

        def on_delivery(error: KafkaError | None, _: Any) -> None:
            if error is None:
                on_stored()
            else:
                self._fail(error, topic)

        while True:
            try:
                self._producer.produce(
                    topic, value, key, partition, on_delivery=on_delivery, headers=[*headers]
                )
            except BufferError:
                self.poll()
                await asyncio.sleep(RETRY_S)
            except KafkaException as error:
                self._fail(error.args[0], topic)
                self.poll()
            else:
                return

    def send_statuses(self, statuses: Iterable[StreamStatus]) -> None:
        """Queue statuses, as far as there is room: the next ones hold these counters too."""

        def on_delivery(error: KafkaError | None, _: Any) -> None:
            # A refusal stops the producer, and here is where its reason is told.
            if error is not None:
                self._fail(error, topics.STREAMS.name)

        for status in statuses:
            try:
                self._producer.produce(
                    topics.STREAMS.name, status.to_bytes(), status.key, on_delivery=on_delivery
                )
            except BufferError:
                return
            except KafkaException as error:
                self._fail(error.args[0], topics.STREAMS.name)
                return

    def poll(self) -> None:
        """Learn what became of records.

        Raises:
            SightlineError: One was refused.
        """
        self._serve(0.0)
        if self._failure is not None:
            raise self._failure

    def flush(self, timeout_s: float) -> None:
        """Wait until all is stored, no longer than timeout_s."""
        until_s = time.monotonic() + timeout_s
        # Not the client's own flush: it would go on calling back with a fatal error half raised.
        while len(self._producer) and (left_s := until_s - time.monotonic()) > 0:
            self._serve(min(left_s, 0.1))

    def _serve(self, timeout_s: float) -> None:
        try:
            self._producer.poll(timeout_s)
        except KafkaException as error:  # one that stops the producer; its text names the topic
            self._fail(error.args[0], "")

    def _fail(self, error: KafkaError, topic: str) -> None:
        what = f"a record for {topic}" if topic else "a record"
        self._failure = self._failure or SightlineError(
            f"The broker did not take {what}: {error.str()}.",
            "Nothing is lost: the frames are not committed and are read again after a restart.",
        )
