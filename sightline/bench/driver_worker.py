"""One worker of `sightline bench driver`: the driver with an empty step, or a plain Faust agent."""

import json
import logging
import struct
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import faust

from sightline.stateful import DriverConfig, Output, run_stage

STAMP = struct.Struct("<q")


@dataclass(frozen=True)
class EchoStage:
    """Publishes each record as it came; the order is a count of its own, so that nothing is a repeat."""

    input_topic: str
    output_topic: str
    name: str = "echo"

    @property
    def output_topics(self) -> Sequence[str]:
        """The one output."""
        return (self.output_topic,)

    def decode(self, key: bytes, value: bytes) -> bytes:
        """The bytes."""
        return value

    def order(self, message: bytes) -> tuple[int, int]:
        """The time stamp in it."""
        return 0, int(STAMP.unpack_from(message)[0])

    def step(self, state: int | None, message: bytes) -> tuple[int, Sequence[Output]]:
        """Count and echo."""
        return (state or 0) + 1, (Output(self.output_topic, message),)

    def encode_state(self, state: int) -> bytes:
        """The count."""
        return STAMP.pack(state)

    def decode_state(self, data: bytes) -> int:
        """The count."""
        return int(STAMP.unpack(data)[0])


def run_driver(bootstrap: str, names: Sequence[str]) -> None:
    """The driver."""
    config = DriverConfig(bootstrap=bootstrap, group=f"{names[0]}-driver", dead_letter_topic=names[2])
    run_stage(EchoStage(names[0], names[1]), config)


def run_faust(bootstrap: str, names: Sequence[str]) -> None:
    """A plain agent with what Faust documents: `noack_take` and `topic.send`, awaited per batch."""
    with tempfile.TemporaryDirectory() as folder:
        app = faust.App(
            f"{names[0]}-faust",
            broker=f"kafka://{bootstrap}",
            datadir=folder,
            web_enabled=False,
            topic_disable_leader=True,
            stream_wait_empty=False,
            consumer_auto_offset_reset="earliest",
        )
        source = app.topic(names[0], key_type=bytes, value_type=bytes, value_serializer="raw")
        target = app.topic(names[1], key_type=bytes, value_type=bytes, value_serializer="raw")

        @app.agent(source)
        async def echo(stream: Any) -> None:
            async for events in stream.noack().noack_take(200, within=0.01):
                sent = [
                    await target.send(key=event.key, value=event.value, partition=event.message.partition)
                    for event in events
                ]
                for one in sent:
                    await one
                for event in events:
                    event.ack()

        faust.Worker(app, loglevel="ERROR").execute_from_commandline()


def main() -> None:
    """Run the worker that the JSON in the first argument names."""
    logging.basicConfig(level=logging.WARNING)
    options = json.loads(sys.argv[1])
    run = {"driver": run_driver, "faust": run_faust}[options["worker"]]
    run(options["bootstrap"], options["names"])


if __name__ == "__main__":
    main()
