"""`sightline query` answers any statement or says in a sentence why not, at rest and while a writer runs."""

import json
import re
from pathlib import Path

import pytest

from sightline.cli.app import run
from sightline.cli.stack_commands import SAMPLE_SQL

README = (Path(__file__).parents[3] / "README.md").read_text(encoding="utf-8")


def ask(
    capfdbinary: pytest.CaptureFixture[bytes], data: Path, sql: str, *options: str
) -> tuple[int, bytes, str]:
    capfdbinary.readouterr()
    code = run(["query", sql, "--data", str(data), *options])
    out, err = capfdbinary.readouterr()
    return code, out, err.decode()


ANSWERS = [
    ("SELECT 1 AS one FORMAT CSV", b"1\n"),
    ("SELECT 1 AS one FORMAT CSVWithNames SETTINGS max_threads = 1", b'"one"\n1\n'),
    ("select 1 as one settings max_threads = 1, log_comment='a, b = (1)' format csv", b"1\n"),
    ("SELECT 'x FORMAT JSON' AS text FORMAT TSV", b"x FORMAT JSON\n"),
    ("SELECT toUInt8(7) FORMAT RowBinary", b"\x07"),
    ("SELECT 'a\\0\\xff' FORMAT RawBLOB", b"a\x00\xff"),
    ("SELECT 1 FORMAT Null", b""),
    ("SELECT 1 FORMAT Values", b"(1)"),
    ("SHOW TABLES LIKE 'frames' FORMAT TSV", b"frames\n"),
    ("EXISTS TABLE tracks FORMAT TSV", b"1\n"),
    ("SELECT 1 AS one;", b"one\n  1\n"),
    ("-- first\nSELECT 1 AS one /* ; */; -- last", b"one\n  1\n"),
    ("WITH 2 AS two SELECT two", b"two\n  2\n"),
    ("(SELECT 1 AS one) UNION ALL (SELECT 1)", b"one\n  1\n  1\n"),
    ("SELECT 1 AS one WHERE 0", b"one\n"),
    ("SELECT nan AS n, -inf AS i, NULL AS e", b"nan  -inf"),
    (
        "SELECT toInt128('-170141183460469231731687303715884105728') AS big",
        b"-170141183460469231731687303715884105728",
    ),
    ("SELECT toDecimal64('0.100000000000000001', 18) AS exact", b"0.100000000000000001"),
    ("SELECT [1.5, 2] AS list, map('a', 1) AS pairs", b"[1.5,2]  {'a':1}"),
    ("SELECT 'bad: \\xff' AS text", "bad: �".encode()),
    ("SELECT '[red]x[/]' AS text", b"[red]x[/]"),
    ("EXPLAIN SELECT 1", b"ReadFromSystemOne"),
    ("DESCRIBE TABLE tracks", b"event time of the frame"),
]


@pytest.mark.parametrize(("sql", "expected"), ANSWERS)
def test_a_statement_that_reads_is_answered(
    data: Path, capfdbinary: pytest.CaptureFixture[bytes], sql: str, expected: bytes
) -> None:
    code, out, err = ask(capfdbinary, data, sql)
    assert (code, err) == (0, "")
    assert expected in out
    if " FORMAT " in sql.upper().replace("'X FORMAT JSON'", ""):
        assert out == expected


REFUSALS = [
    ("", "Empty query"),
    ("  \n;", "Empty query"),
    ("-- only a comment", "Empty query"),
    ("/* only", "yntax error"),
    ("SELECT 1; SELECT 2", "Multi-statements are not allowed"),
    ("SELECT 1; DROP TABLE frames", "Multi-statements are not allowed"),
    ("SELEC 1", "Syntax error: failed at position 7 (1): 1. (SYNTAX_ERROR)"),
    ("SELECT 'ä', ünï", "failed at position 13 (ü)"),
    ("SELECT 'ü'\n, 'öö' FRM x", "failed at position 23 (x) (line 2, col 12)"),
    ("SELECT nonsense FROM frames", "nonsense"),
    ("SELECT 1 FORMAT NoSuchFormat", "NoSuchFormat"),
    ("SELECT 1 INTO OUTFILE 'there.csv'", "INTO OUTFILE"),
    ("SELECT 1 INTO OUTFILE 'there.csv' FORMAT CSV", "INTO OUTFILE"),
    ("SELECT * FROM file('/etc/passwd', 'LineAsString')", "reaches outside the tables"),
    ("INSERT INTO frames (seq) VALUES (1)", "not for reading"),
    ("DROP TABLE frames", "not for reading"),
    ("SET max_threads = 1", "not for reading"),
    ("SELECT 1 SETTINGS readonly = 0", "readonly"),
    ("SELECT 1 SETTINGS max_memory_usage = 999999999999", "max_memory_usage"),
    ("SELECT 1 SETTINGS no_such_setting = 1", "no_such_setting"),
    ("SELECT number FROM numbers(1000000)", "Ask for less of it"),
    ("SELECT groupArray(toString(number)) FROM numbers(1000000000)", "Ask for less of it"),
    ("SELECT throwIf(number = 5) FROM numbers(9)", "throwIf"),
]


@pytest.mark.parametrize(("sql", "said"), REFUSALS)
def test_any_other_is_refused_in_a_sentence(
    data: Path, capfdbinary: pytest.CaptureFixture[bytes], sql: str, said: str
) -> None:
    code, out, err = ask(capfdbinary, data, sql)
    assert (code, out) == (1, b"")
    assert err.startswith("Error: ")
    assert said in err
    for inner in ("formatQuerySingleLine", "DB::Exception", "(version", "for url", "***"):
        assert inner not in err
    assert len(err.splitlines()) == 2
    assert list(Path.cwd().iterdir()) == []


def test_nothing_of_that_has_changed_the_tables(
    data: Path, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    assert ask(capfdbinary, data, "SELECT count() FROM tracks FORMAT CSV")[1] == b"24\n"


def test_json_has_numbers_in_full_and_what_is_no_number_by_its_name(
    data: Path, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    sql = "SELECT toUInt64(18446744073709551615) AS big, nan AS n, NULL AS e, '\\xff\\n' AS t, [1.5] AS l"
    _, out, _ = ask(capfdbinary, data, sql, "--format", "json")
    assert json.loads(out) == [{"big": 2**64 - 1, "n": "nan", "e": None, "t": "�\n", "l": [1.5]}]
    assert json.loads(ask(capfdbinary, data, "SELECT 1 WHERE 0", "--format", "json")[1]) == []


def test_more_rows_than_a_terminal_holds_are_printed_one_by_one(
    data: Path, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    _, out, _ = ask(
        capfdbinary, data, "SELECT number AS n, if(n = 1, '道\\n', 'a') AS t FROM numbers(100000)"
    )
    lines = out.decode().splitlines()
    assert lines[:3] == ["    n  t", "    0  a", "    1  道\\n"]
    assert (lines[-1], len(lines)) == ("99999  a", 100_001)


def test_letters_that_came_as_single_bytes_are_letters_again(
    data: Path, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    sql = "SELECT '✓ é' AS x FORMAT TSV".encode().decode("ascii", "surrogateescape")
    assert ask(capfdbinary, data, sql)[:2] == (0, "✓ é\n".encode())


def readme_questions() -> list[str]:
    return re.findall(r'^sightline query "([^"]+)"', README, re.MULTILINE)


def test_the_readmes_first_question_counts_the_objects_of_all_cameras(
    data: Path, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    assert readme_questions()[0] == SAMPLE_SQL
    _, out, _ = ask(capfdbinary, data, SAMPLE_SQL, "--format", "json")
    found = {row["label"]: row["objects"] for row in json.loads(out)}
    assert found == {"car": 2, "person": 4}


NOW_IN_EACH_WAY = (
    "SELECT countIf(captured_at BETWEEN now() - 600 AND now()) AS a,"
    " countIf(captured_at > toDateTime(formatDateTime(now() - 600, '%F %T'))) AS b,"
    " countIf(toDate(captured_at) IN (today(), yesterday())) AS c,"
    " countIf(toString(captured_at) BETWEEN toString(now() - 600) AND toString(now() + 1)) AS d,"
    " countIf(captured_at > '{text}') AS e, timezone() AS z FROM tracks"
)


@pytest.mark.parametrize("zone", [None, "Pacific/Kiritimati", "America/New_York"])
def test_times_in_columns_in_text_and_of_the_clock_agree(
    data: Path, capfdbinary: pytest.CaptureFixture[bytes], monkeypatch: pytest.MonkeyPatch, zone: str | None
) -> None:
    if zone is not None:
        monkeypatch.setenv("SIGHTLINE_CLICKHOUSE_TIME_ZONE", zone)
    ten_minutes_ago = ask(capfdbinary, data, "SELECT now() - 600 FORMAT TSV")[1].decode().strip()
    sql = NOW_IN_EACH_WAY.replace("{text}", ten_minutes_ago)
    (found,) = json.loads(ask(capfdbinary, data, sql, "--format", "json")[1])
    assert found.pop("z") == (zone or "UTC")
    assert set(found.values()) == {24}, found
    kind = ask(capfdbinary, data, "SELECT toTypeName(any(captured_at)) FROM tracks FORMAT TSVRaw")[1]
    assert kind.decode().strip() == f"DateTime64(9, '{zone or 'UTC'}')"
    final = ask(capfdbinary, data, "SELECT count() FROM streams FINAL FORMAT TSV")[1]
    assert final == b"1\n"
    assert b"event time" in ask(capfdbinary, data, "DESCRIBE TABLE tracks")[1]


def test_a_zone_that_there_is_not_is_refused(data: Path, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    code, _, err = ask(capfdbinary, data, "SELECT 1 SETTINGS session_timezone = 'Mars/Olympus'")
    assert code == 1
    assert "Mars/Olympus" in err
    assert "In scope" not in err
