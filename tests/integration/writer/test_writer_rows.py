"""Messages become exactly their rows, repeats become none, and what is no message becomes a dead letter."""

import datetime as dt
from pathlib import Path

from writer_world import Sender, Writer, ask, captured_at_ns, counts_sql, expected_counts, wait_for_rows

from schemas.dead_letters import DeadLetter
from schemas.streams import StreamStatus
from schemas.topics import CLASSIFICATIONS, DEAD_LETTERS, DETECTIONS, STREAMS, TRACKS, TRUTH
from sightline.settings import Settings


def _moment(ns: int) -> dt.datetime:
    return dt.datetime.fromtimestamp(0, dt.UTC).replace(tzinfo=None) + dt.timedelta(microseconds=ns // 1000)


def test_known_messages_become_exactly_their_rows(settings: Settings, sender: Sender, data_dir: Path) -> None:
    sender.frames(["rows-a", "rows-b"], range(60))
    status = StreamStatus(
        stream_id="rows-a",
        epoch=1,
        stage="capture",
        instance="g1",
        at_ns=captured_at_ns(3),
        state="running",
        counters={"captured": 60, "dropped.slow": 2},
        message="fine",
    )
    sender.put(STREAMS.name, status.to_bytes(), "rows-a/capture")
    sender.put(
        STREAMS.name, None, "rows-z/capture"
    )  # a tombstone is no message, and nothing to complain about
    sender.flush()
    with Writer(settings, data_dir) as writer:
        port = writer.wait_ready()
        wait_for_rows(port, counts_sql("rows-"), expected_counts(2, 60))
        assert ask(port, "SELECT * FROM tracks WHERE stream_id = 'rows-a' AND seq = 7 ORDER BY track_id") == [
            ("rows-a", 1, 7, _moment(captured_at_ns(7)), i + 1, 7, i, 17, i + 20, 0.5, name, i % 2 == 0)
            for i, name in enumerate(("car", "person", "bus"))
        ]
        # 29 and 30 lie on two days; one has an infer stage and something left out, the other not.
        days = [_moment(captured_at_ns(seq)) for seq in (29, 30)]
        assert ask(
            port,
            "SELECT seq, captured_at, width, height, detections, tracks, left_out, captured_wall_at,"
            " publish_ms, infer_ms, track_ms, write_ms > 20 FROM frames"
            " WHERE stream_id = 'rows-b' AND seq IN (29, 30) ORDER BY seq",
        ) == [
            (29, days[0], 640, 360, 2, 1, {"tracks_full": 29}, days[0], 5, 9, 20, 1),
            (30, days[1], 640, 360, 3, 2, {}, days[1], 5, None, 20, 1),
        ]
        assert ask(
            port, "SELECT * FROM detections WHERE stream_id = 'rows-a' AND seq = 5 ORDER BY index"
        ) == [
            ("rows-a", 1, 5, _moment(captured_at_ns(5)), i, i, 5, i + 10, 25, 0.25, ("car", "person")[i], i)
            for i in range(2)
        ]
        assert ask(
            port, "SELECT * FROM classifications WHERE stream_id = 'rows-a' AND seq = 5 ORDER BY 5"
        ) == [
            ("rows-a", 1, 5, _moment(captured_at_ns(5)), 1, "person", None, 0.75),
            ("rows-a", 1, 5, _moment(captured_at_ns(5)), 2, "bus", "bus", 0.75),
        ]
        at = _moment(captured_at_ns(5))
        assert ask(port, "SELECT * FROM truth WHERE stream_id = 'rows-a' AND seq = 5 ORDER BY object_id") == [
            ("rows-a", 1, 5, at, i, ("car", "person")[i], "car-red", i, 5, i + 10, 25, 0.75) for i in range(2)
        ]
        at = _moment(captured_at_ns(0))
        before = _moment(captured_at_ns(0) - 7000)
        assert ask(
            port, "SELECT * FROM truth_events WHERE stream_id = 'rows-a' AND seq = 0 ORDER BY index"
        ) == [
            ("rows-a", 1, 0, at, 0, "defined", "gate", None, at, "", [1.5, 3.0], [2.0, 4.0]),
            ("rows-a", 1, 0, at, 1, "crossed", "gate", 0, before, "forward", [], []),
        ]
        assert ask(port, "SELECT * FROM streams FINAL WHERE stream_id LIKE 'rows-%'") == [
            ("rows-a", "capture", 1, "g1", _moment(captured_at_ns(3)), "running", "fine", status.counters)
        ]
        writer.terminate()
        assert writer.wait() == 0


def test_repeats_in_the_log_add_no_rows_within_a_run_and_after_a_restart(
    settings: Settings, sender: Sender, data_dir: Path
) -> None:
    sender.frames(["repeat-a", "repeat-b"], range(20))
    sender.frames(["repeat-a"], range(5, 20))
    with Writer(settings, data_dir) as writer:
        wait_for_rows(writer.wait_ready(), counts_sql("repeat-"), expected_counts(2, 20))
        sender.frames(["repeat-b"], range(10, 20))
        sender.frames(["repeat-a"], [12, 11, 12])
        writer.terminate()
        assert writer.wait() == 0
    # The second writer begins with repeats and remembers nothing.
    sender.frames(["repeat-a", "repeat-b"], range(10, 25))
    with Writer(settings, data_dir) as writer:
        wait_for_rows(writer.wait_ready(), counts_sql("repeat-"), expected_counts(2, 25))


def test_a_late_frame_is_kept_and_its_repeat_is_not(
    settings: Settings, sender: Sender, data_dir: Path
) -> None:
    with Writer(settings, data_dir) as writer:
        port = writer.wait_ready()
        sender.frames(["late-a"], [0, 1, 2, 5, 6])
        wait_for_rows(port, "SELECT count() FROM frames WHERE stream_id = 'late-a'", [(5,)])
        sender.frames(["late-a"], [3, 4, 3, 7])
        wait_for_rows(port, counts_sql("late-"), expected_counts(1, 8))


def test_what_is_no_message_becomes_a_dead_letter_and_the_partition_moves_on(
    settings: Settings, sender: Sender, data_dir: Path
) -> None:
    poison = {
        TRACKS.name: b"\x93not msgpack",
        DETECTIONS.name: b"",
        CLASSIFICATIONS.name: b"\x81\xa7version\x07",
        STREAMS.name: b"\xc1" * 100,
        TRUTH.name: b"\x80",
    }
    for topic, value in poison.items():
        sender.put(topic, value, "poison-a")
    sender.put(DEAD_LETTERS.name, b"no headers at all", "poison-a")
    letter = DeadLetter(
        value=b"xyz",
        key=b"k",
        reason="it's \\broken",
        stage="infer",
        topic="sightline.frames.v1",
        partition=3,
        offset=77,
        at_ns=captured_at_ns(0),
        stream_id="poison-a",
        epoch=4,
        seq=5,
    )
    for _ in range(2):  # a stage that was killed may publish a letter twice
        sender.put(DEAD_LETTERS.name, letter.value, "k", headers=dict(letter.headers()))
    sender.frames(["poison-a"], range(10))
    with Writer(settings, data_dir) as writer:
        port = writer.wait_ready()
        wait_for_rows(port, counts_sql("poison-"), expected_counts(1, 10))
        mine = "(topic, bytes) IN (" + ", ".join(f"('{t}', {len(v)})" for t, v in poison.items()) + ")"
        wait_for_rows(
            port,
            f"SELECT topic, stage, reason != '' FROM dead_letters WHERE {mine} ORDER BY topic",
            [(topic, "write", 1) for topic in sorted(poison)],
        )
        wait_for_rows(
            port,
            "SELECT topic, partition, offset, stage, reason, stream_id, epoch, seq, at, bytes"
            " FROM dead_letters WHERE stage = 'infer'",
            [
                (
                    "sightline.frames.v1",
                    3,
                    77,
                    "infer",
                    letter.reason,
                    "poison-a",
                    4,
                    5,
                    _moment(letter.at_ns),
                    3,
                )
            ],
        )
        wait_for_rows(
            port,
            "SELECT bytes, reason LIKE 'not a dead letter: %' FROM dead_letters"
            f" WHERE topic = '{DEAD_LETTERS.name}'",
            [(17, 1)],
        )
