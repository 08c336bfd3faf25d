"""Feeds links at a steady rate until SIGTERM, with repeats and a new epoch at times: `chain_load.py JSON`."""

import json
import signal
import sys
import threading
import time

import chain_stage
from confluent_kafka import Producer


def main(options: dict[str, object]) -> None:
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    producer = Producer(
        {
            "bootstrap.servers": options["bootstrap"],
            "partitioner": "murmur2_random",
            "enable.idempotence": True,
            "linger.ms": 5,
        }
    )
    topic, keys, per_second = (
        str(options["topic"]),
        int(str(options["keys"])),
        float(str(options["per_second"])),
    )
    started, number = time.monotonic(), 0
    while not stop.is_set():
        due = int((time.monotonic() - started) * per_second)
        while number < due:
            turn, stream = divmod(number, keys)
            epoch, seq = divmod(turn, 1000)
            value = chain_stage.message(epoch, seq, b"%d" % number)
            for _ in range(2 if number % 17 == 0 else 1):
                producer.produce(topic, value, b"cam-%d" % stream)
            number += 1
        producer.poll(0)
        stop.wait(0.005)
    assert producer.flush(30) == 0


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
