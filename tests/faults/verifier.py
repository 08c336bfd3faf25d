"""Reads Kafka and ClickHouse by itself. It shares no code with the stages, not even how a message is read."""

import urllib.error
import urllib.parse
import urllib.request
import uuid
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

import msgpack
from confluent_kafka import Consumer, KafkaException, TopicPartition

TRACKS = "sightline.tracks.v1"
DETECTIONS = "sightline.detections.v1"
CLASSIFICATIONS = "sightline.classifications.v1"

COLUMNS = {
    "frames": "epoch, seq, captured_at, width, height, detections, tracks, left_out",
    "tracks": "epoch, seq, captured_at, track_id, x1, y1, x2, y2, score, label, observed",
    "detections": "epoch, seq, captured_at, index, x1, y1, x2, y2, score, label, class_id",
    "classifications": "epoch, seq, captured_at, track_id, label, previous, confidence",
}
"""What follows from the input alone: all columns but the delays."""

Row = tuple[str, ...]
Rows = dict[str, dict[str, Counter[Row]]]
"""Rows by table and stream (without its prefix), each with how often it is there."""


@dataclass
class Log:
    """What readers of a topic see of one stream.

    Attributes:
        partitions: Where its records are.
        frames: Its messages in order, without those that are not newer than the one before.
        repeats: How many were dropped for that.
    """

    partitions: set[int] = field(default_factory=set)
    frames: list[tuple[int, int, bytes]] = field(default_factory=list)
    repeats: int = 0


@dataclass(frozen=True)
class Difference:
    """How tables differ from an undisturbed run's."""

    lost: int
    doubled: int
    strange: int
    examples: tuple[str, ...]

    def __bool__(self) -> bool:
        return bool(self.lost or self.doubled or self.strange)


class Verifier:
    """Asks a broker and the writer's HTTP port."""

    def __init__(self, bootstrap: str, http_port: int) -> None:
        self._bootstrap = bootstrap
        self._http_port = http_port

    # -- the tables

    def ask(self, sql: str) -> list[Row]:
        """The rows of a query as text; raises OSError while the tables do not answer."""
        query = urllib.parse.urlencode({"query": f"{sql} FORMAT TSV", "database": "sightline"})
        address = f"http://127.0.0.1:{self._http_port}/?{query}"
        with urllib.request.urlopen(address, timeout=60) as answer:  # loopback
            lines = answer.read().decode().splitlines()
        return [tuple(line.split("\t")) for line in lines]

    def written(self, prefix: str) -> dict[str, int]:
        """Rows in `frames` by stream; none while the tables do not answer."""
        try:
            found = self.ask(f"SELECT stream_id, count() FROM frames {_of(prefix)} GROUP BY stream_id")
        except OSError:
            return {}
        return {stream.removeprefix(f"{prefix}-"): int(count) for stream, count in found}

    def newest(self, prefix: str) -> dict[str, int]:
        """The newest frame in `frames` by stream; none while the tables do not answer."""
        try:
            found = self.ask(f"SELECT stream_id, max(seq) FROM frames {_of(prefix)} GROUP BY stream_id")
        except OSError:
            return {}
        return {stream.removeprefix(f"{prefix}-"): int(seq) for stream, seq in found}

    def totals(self, prefix: str) -> list[Row]:
        """How many rows each table has of the streams `PREFIX-…`; none while the tables do not answer."""
        try:
            return [
                row for table in COLUMNS for row in self.ask(f"SELECT count() FROM {table} {_of(prefix)}")
            ]
        except OSError:
            return []

    def is_settled(self, prefix: str) -> bool:
        """Whether the other tables hold what `frames` says they must."""
        try:
            ((boxes, tracks),) = self.ask(f"SELECT sum(detections), sum(tracks) FROM frames {_of(prefix)}")
            ((box_rows,),) = self.ask(f"SELECT count() FROM detections {_of(prefix)}")
            ((track_rows,),) = self.ask(f"SELECT count() FROM tracks {_of(prefix)}")
            ((labels,),) = self.ask(f"SELECT count() FROM classifications {_of(prefix)}")
        except OSError:
            return False
        return (
            int(box_rows) >= int(boxes)
            and int(track_rows) >= int(tracks)
            and int(labels) >= self._distinct_labels(prefix)
        )

    def rows(self, prefix: str, last: int | None = None) -> Rows:
        """All rows of the streams `PREFIX-…`, those of frames before `last`."""
        before = "" if last is None else f" AND seq < {last}"
        found: Rows = {}
        for table, columns in COLUMNS.items():
            streams = found.setdefault(table, {})
            for stream, *row in self.ask(f"SELECT stream_id, {columns} FROM {table} {_of(prefix)}{before}"):
                streams.setdefault(stream.removeprefix(f"{prefix}-"), Counter())[tuple(row)] += 1
        return found

    def letters(self) -> Counter[tuple[str, int, int]]:
        """Topic, partition and offset of all rows of `dead_letters`."""
        found = self.ask("SELECT topic, `partition`, `offset` FROM dead_letters")
        return Counter((topic, int(partition), int(offset)) for topic, partition, offset in found)

    # -- the log

    def log(self, topic: str, prefix: str) -> dict[str, Log]:
        """What a topic holds of the streams `PREFIX-…`, each by its name without the prefix."""
        logs: dict[str, Log] = {}
        for partition, key, value in self.read(topic):
            stream = (key or b"").decode(errors="replace")
            if not stream.startswith(f"{prefix}-") or value is None:
                continue
            log = logs.setdefault(stream.removeprefix(f"{prefix}-"), Log())
            log.partitions.add(partition)
            message = msgpack.unpackb(value, raw=False)
            order = (message["epoch"], message["seq"])
            if log.frames and order <= log.frames[-1][:2]:
                log.repeats += 1
                continue
            del message["trace"], message["stream_id"]
            log.frames.append((*order, msgpack.packb(message, use_bin_type=True)))
        return logs

    def read(self, topic: str) -> list[tuple[int, bytes | None, bytes | None]]:
        """Partition, key and value of all records of a topic; each partition's in order."""
        consumer = Consumer(
            {"bootstrap.servers": self._bootstrap, "group.id": uuid.uuid4().hex, "log_level": 0}
        )
        try:
            numbers = consumer.list_topics(topic, timeout=30).topics[topic].partitions
            found = []
            for number in sorted(numbers):
                place = TopicPartition(topic, number, 0)
                low, high = consumer.get_watermark_offsets(place, timeout=30)
                consumer.assign([TopicPartition(topic, number, low)])
                position = low
                while position < high:
                    record = consumer.poll(30)
                    assert record is not None, f"{topic}[{number}] stops at {position} of {high}"
                    if record.error() is not None:
                        raise KafkaException(record.error())
                    position = record.offset() + 1
                    found.append((number, record.key(), record.value()))
            return found
        finally:
            consumer.close()

    def end_of(self, topic: str) -> int:
        """How many records were ever put into a topic."""
        consumer = Consumer({"bootstrap.servers": self._bootstrap, "group.id": "end", "log_level": 0})
        try:
            numbers = consumer.list_topics(topic, timeout=10).topics[topic].partitions
            return sum(
                consumer.get_watermark_offsets(TopicPartition(topic, n), timeout=10)[1] for n in numbers
            )
        finally:
            consumer.close()

    def _distinct_labels(self, prefix: str) -> int:
        identities = set()
        for _, key, value in self.read(CLASSIFICATIONS):
            if (key or b"").decode(errors="replace").startswith(f"{prefix}-") and value is not None:
                message = msgpack.unpackb(value, raw=False)
                identities.add((key, message["epoch"], message["seq"], message["track_id"]))
        return len(identities)


def compare(found: Rows, expected: Rows) -> Difference:
    """What the tables lack, have twice, and should not have."""
    lost = doubled = strange = 0
    examples: list[str] = []
    for table in COLUMNS:
        streams = found.get(table, {}).keys() | expected.get(table, {}).keys()
        for stream in sorted(streams):
            have = found.get(table, {}).get(stream, Counter())
            want = expected.get(table, {}).get(stream, Counter())
            doubled += sum(
                count - want[row] for row, count in have.items() if row in want and count > want[row]
            )
            lost += sum(count - have[row] for row, count in want.items() if count > have[row])
            strange += sum(count for row, count in have.items() if row not in want)
            for sign, rows in (("-", want - have), ("+", have - want)):
                examples += [f"{sign} {table} {stream} {' '.join(row)}" for row in sorted(rows)[:3]]
    return Difference(lost, doubled, strange, tuple(examples[:20]))


def counts(rows: Rows, table: str = "frames") -> Mapping[str, int]:
    """Rows of a table by stream."""
    return {stream: sum(found.values()) for stream, found in rows[table].items()}


def _of(prefix: str) -> str:
    return f"WHERE stream_id LIKE '{prefix}-%'"
