"""What the writer's tests share: messages with known rows, a process to kill, and answers from its tables."""

import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Self

import clickhouse_connect
import numpy as np
from confluent_kafka import Producer

from schemas.classifications import Classification
from schemas.detections import Detections
from schemas.topics import CLASSIFICATIONS, DETECTIONS, TRACKS, TRUTH
from schemas.tracks import Tracks
from schemas.truth import Truth, TruthEvent
from sightline.settings import Settings

ROOT = Path(__file__).resolve().parents[3]
START_NS = 1_790_000_000_000_000_000
NAMES = ("car", "person", "bus")
READY_TIMEOUT_S = 60.0
ROWS_TIMEOUT_S = 60.0

Row = tuple[Any, ...]


def captured_at_ns(seq: int) -> int:
    """Half a second between frames, so that 60 of them cross midnight."""
    midnight = -(-START_NS // 86_400_000_000_000) * 86_400_000_000_000
    return midnight - 15_000_000_000 + seq * 500_000_000


def tracks(stream_id: str, seq: int, epoch: int = 1) -> Tracks:
    """Frame `seq`: seq % 4 tracks; in every second frame also an infer stage, and something left out."""
    count = seq % 4
    at_ns = captured_at_ns(seq)
    infer = (("infer", at_ns + 9_000_000),) if seq % 2 else ()
    return Tracks(
        stream_id=stream_id,
        epoch=epoch,
        seq=seq,
        captured_at_ns=at_ns,
        trace=(("capture", at_ns), ("publish", at_ns + 5_000_000), *infer, ("track", at_ns + 20_000_000)),
        width=640,
        height=360,
        detections=count + 1,
        track_ids=np.arange(1, count + 1, dtype=np.uint64),
        boxes=np.array([[seq, i, seq + 10, i + 20] for i in range(count)], dtype=np.float32).reshape(-1, 4),
        scores=np.full(count, 0.5, np.float32),
        label_ids=(np.arange(count) % 3).astype(np.uint16),
        labels=NAMES,
        observed=(np.arange(count) % 2 == 0),
        left_out={"tracks_full": seq} if seq % 2 else {},
    )


def detections(stream_id: str, seq: int, epoch: int = 1) -> Detections:
    """Frame `seq`: seq % 3 detections."""
    count = seq % 3
    return Detections(
        stream_id=stream_id,
        epoch=epoch,
        seq=seq,
        captured_at_ns=captured_at_ns(seq),
        width=640,
        height=360,
        boxes=np.array([[i, seq, i + 10, seq + 20] for i in range(count)], dtype=np.float32).reshape(-1, 4),
        scores=np.full(count, 0.25, np.float32),
        class_ids=(np.arange(count) % 3).astype(np.uint16),
        labels="test",
        names=dict(enumerate(NAMES)),
        embeddings=np.ones((count, 8), np.float16),
    )


def classification(stream_id: str, seq: int, track_id: int, epoch: int = 1) -> Classification:
    """A label for one track at frame `seq`."""
    return Classification(
        stream_id=stream_id,
        epoch=epoch,
        seq=seq,
        captured_at_ns=captured_at_ns(seq),
        track_id=track_id,
        label=NAMES[track_id % 3],
        previous=None if track_id % 2 else "bus",
        confidence=0.75,
    )


def truth(stream_id: str, seq: int, epoch: int = 1) -> Truth:
    """Frame `seq`: seq % 3 objects; a line at frame 0, and a crossing at every fifth."""
    count = seq % 3
    at_ns = captured_at_ns(seq)
    line = TruthEvent(kind="defined", place="gate", at_ns=at_ns, points=((1.5, 2.0), (3.0, 4.0)))
    crossed = TruthEvent(kind="crossed", place="gate", at_ns=at_ns - 7000, object_id=seq, direction="forward")
    return Truth(
        stream_id=stream_id,
        epoch=epoch,
        seq=seq,
        captured_at_ns=at_ns,
        width=640,
        height=360,
        boxes=np.array([[i, seq, i + 10, seq + 20] for i in range(count)], dtype=np.float32).reshape(-1, 4),
        object_ids=np.arange(count, dtype=np.uint64),
        class_ids=(np.arange(count) % 3).astype(np.uint16),
        classes=NAMES,
        attribute_ids=np.zeros(count, np.uint16),
        attributes=("car-red",),
        visibility=np.full(count, 0.75, np.float32),
        events=((line,) if seq == 0 else ()) + ((crossed,) if seq % 5 == 0 else ()),
    )


class Sender:
    """Publishes as the stages do, and waits until the broker has it all."""

    def __init__(self, bootstrap: str) -> None:
        self._producer = Producer(
            {"bootstrap.servers": bootstrap, "partitioner": "murmur2_random", "enable.idempotence": True}
        )

    def frames(self, streams: Iterable[str], seqs: Iterable[int]) -> None:
        """Every frame's tracks, detections and truth, and two labels at every fifth."""
        names = list(streams)
        for seq in seqs:
            for name in names:
                self.put(TRACKS.name, tracks(name, seq).to_bytes(), name)
                self.put(DETECTIONS.name, detections(name, seq).to_bytes(), name)
                self.put(TRUTH.name, truth(name, seq).to_bytes(), name)
                if seq % 5 == 0:
                    for track_id in (1, 2):
                        value = classification(name, seq, track_id).to_bytes()
                        self.put(CLASSIFICATIONS.name, value, name)
        self.flush()

    def put(self, topic: str, value: bytes | None, key: str, **options: Any) -> None:
        """One record."""
        self._producer.produce(topic, value, key.encode(), **options)
        self._producer.poll(0)

    def flush(self) -> None:
        """Wait until the broker has it all."""
        assert self._producer.flush(30) == 0


class Writer:
    """A writer in a process of its own; killed when the test leaves."""

    def __init__(self, settings: Settings, data_dir: Path, fatal: tuple[str, int] | None = None) -> None:
        child = Path(__file__).with_name("writer_child.py")
        argv = [sys.executable, str(child), settings.model_dump_json(), str(data_dir)]
        argv += [fatal[0], str(fatal[1])] if fatal else []
        env = os.environ | {"PYTHONPATH": str(ROOT)}
        data_dir.mkdir(parents=True, exist_ok=True)
        self._errors = (data_dir.parent / "writer.log").open("ab")
        self._process = subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=self._errors, env=env)
        self.port = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()
        if self._process.stdout is not None:
            self._process.stdout.close()
        self._errors.close()

    @property
    def log(self) -> str:
        """What all writers of this folder wrote to standard error."""
        return Path(self._errors.name).read_text(errors="replace")

    def wait_ready(self) -> int:
        """The HTTP port, once it is known."""
        assert self._process.stdout is not None
        ready, _, _ = select.select([self._process.stdout], [], [], READY_TIMEOUT_S)
        line = self._process.stdout.readline() if ready else b""
        assert line, f"the writer did not get ready: {self.log[-2000:]}"
        self.port = int(line)
        return self.port

    def wait(self, timeout_s: float = 30.0) -> int:
        """How it ended."""
        return self._process.wait(timeout_s)

    def terminate(self) -> None:
        """Ask it to end."""
        self.signal(signal.SIGTERM)

    def signal(self, number: signal.Signals) -> None:
        """Send it a signal."""
        self._process.send_signal(number)

    def kill(self) -> None:
        """End it at once."""
        if self._process.poll() is None:
            self._process.kill()
        self._process.wait()


def ask(port: int, sql: str) -> list[Row]:
    """The rows of a query, from a running writer."""
    client = clickhouse_connect.get_client(host="127.0.0.1", port=port, database="sightline")
    try:
        return [tuple(row) for row in client.query(sql).result_rows]
    finally:
        client.close()


def wait_for_rows(port: int, sql: str, expected: Sequence[Row]) -> None:
    """Wait until a query has these rows; fails with what it has instead."""
    until = time.monotonic() + ROWS_TIMEOUT_S
    found: list[Row] = []
    while time.monotonic() < until:
        found = ask(port, sql)
        if found == list(expected):
            return
        time.sleep(0.2)
    assert found == list(expected)


def counts_sql(prefix: str) -> str:
    """Rows and different rows of each table, for the streams whose names begin so."""
    tables = {
        "tracks": "stream_id, epoch, seq, track_id",
        "frames": "stream_id, epoch, seq",
        "detections": "stream_id, epoch, seq, index",
        "classifications": "stream_id, epoch, seq, track_id",
        "truth": "stream_id, epoch, seq, object_id",
        "truth_events": "stream_id, epoch, seq, index",
    }
    return " UNION ALL ".join(
        f"SELECT '{table}' AS t, count(), uniqExact({identity}) FROM {table} WHERE stream_id LIKE '{prefix}%'"
        for table, identity in sorted(tables.items())
    ).join(("SELECT * FROM (", ") ORDER BY t"))


def expected_counts(streams: int, frames: int) -> list[Row]:
    """The answer to `counts_sql` when each row is there once."""
    rows = {
        "classifications": 2 * len(range(0, frames, 5)),
        "detections": sum(seq % 3 for seq in range(frames)),
        "frames": frames,
        "tracks": sum(seq % 4 for seq in range(frames)),
        "truth": sum(seq % 3 for seq in range(frames)),
        "truth_events": 1 + len(range(0, frames, 5)),
    }
    return [(table, count * streams, count * streams) for table, count in rows.items()]
