"""The tables are a public contract: names and types of their columns stay."""

import re

import pytest

from schemas.clickhouse import migrations, split_statements

COLUMNS = {
    "tracks": "stream_id LowCardinality(String), epoch UInt64, seq UInt64, captured_at DateTime64(9, 'UTC'),"
    " track_id UInt64, x1 Float32, y1 Float32, x2 Float32, y2 Float32, score Float32,"
    " label LowCardinality(String), observed Bool",
    "frames": "stream_id LowCardinality(String), epoch UInt64, seq UInt64, captured_at DateTime64(9, 'UTC'),"
    " width UInt16, height UInt16, detections UInt16, tracks UInt16,"
    " left_out Map(LowCardinality(String), UInt64),"
    " captured_wall_at Nullable(DateTime64(9, 'UTC')), publish_ms Nullable(Float32),"
    " infer_ms Nullable(Float32), track_ms Nullable(Float32), write_ms Nullable(Float32)",
    "detections": "stream_id LowCardinality(String), epoch UInt64, seq UInt64,"
    " captured_at DateTime64(9, 'UTC'), index UInt16, x1 Float32, y1 Float32, x2 Float32, y2 Float32,"
    " score Float32, label LowCardinality(String), class_id UInt16",
    "classifications": "stream_id LowCardinality(String), epoch UInt64, seq UInt64,"
    " captured_at DateTime64(9, 'UTC'), track_id UInt64, label LowCardinality(String),"
    " previous LowCardinality(Nullable(String)), confidence Float32",
    "streams": "stream_id LowCardinality(String), stage LowCardinality(String), epoch UInt64,"
    " instance String, at DateTime64(9, 'UTC'), state LowCardinality(String), message String,"
    " counters Map(LowCardinality(String), UInt64)",
    "dead_letters": "topic LowCardinality(String), partition UInt32, offset UInt64,"
    " stage LowCardinality(String), reason String, stream_id String, epoch Nullable(UInt64),"
    " seq Nullable(UInt64), at DateTime64(9, 'UTC'), bytes UInt32",
    "truth": "stream_id LowCardinality(String), epoch UInt64, seq UInt64, captured_at DateTime64(9, 'UTC'),"
    " object_id UInt64, class LowCardinality(String), attribute LowCardinality(String), x1 Float32,"
    " y1 Float32, x2 Float32, y2 Float32, visibility Float32",
    "truth_events": "stream_id LowCardinality(String), epoch UInt64, seq UInt64,"
    " captured_at DateTime64(9, 'UTC'), index UInt16, kind LowCardinality(String),"
    " place LowCardinality(String), object_id Nullable(UInt64), at DateTime64(9, 'UTC'),"
    " direction LowCardinality(String), xs Array(Float32), ys Array(Float32)",
}
_COLUMN = re.compile(r"^    `?(\w+)`? (.+?) COMMENT '[^']+'", re.MULTILINE)
_ADDED = re.compile(
    r"ALTER TABLE (\w+)\.(\w+) ADD COLUMN IF NOT EXISTS\n(    \w+ .+ COMMENT '[^']+'\n)    AFTER (\w+)\Z"
)
_TABLE = re.compile(r"CREATE TABLE IF NOT EXISTS (\w+)\.(\w+)")


def _tables(database: str) -> dict[str, str]:
    found = {}
    for statement in (each for migration in migrations(database) for each in migration.statements):
        if match := _TABLE.match(statement):
            assert match[1] == database
            found[match[2]] = statement
        elif match := _ADDED.match(statement):
            assert match[1] == database
            found[match[2]] = re.sub(
                rf"^    {match[4]} .*\n", rf"\g<0>{match[3]}", found[match[2]], flags=re.M
            )
    return found


def test_the_migrations_make_exactly_the_promised_columns() -> None:
    made = {
        table: ", ".join(f"{name} {kind}" for name, kind in _COLUMN.findall(statement))
        for table, statement in _tables("sightline").items()
    }
    assert made == COLUMNS


def test_every_table_drops_an_insert_that_comes_twice() -> None:
    for statement in _tables("other").values():
        assert "ENGINE = ReplacingMergeTree" in statement
        assert "non_replicated_deduplication_window = 10000, replicated_deduplication_window" in statement


def test_migrations_are_numbered_from_one_without_a_gap() -> None:
    found = migrations("sightline")
    assert [migration.number for migration in found] == list(range(1, len(found) + 1))


@pytest.mark.parametrize("name", ["", "a b", "x; DROP DATABASE y", "1a", "a" * 65])
def test_a_database_must_have_the_name_of_one(name: str) -> None:
    with pytest.raises(ValueError, match="is not a name"):
        migrations(name)


def test_statements_end_where_a_line_ends_with_a_semicolon() -> None:
    assert split_statements("-- a; comment;\nSELECT 'a; b'\n  ;\n\nSELECT 2;\n") == (
        "SELECT 'a; b'",
        "SELECT 2",
    )
