"""The gate lets reading pass, and nothing that writes or reaches outside the tables."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sightline.clickhouse.gate import objection

REFUSED = frozenset({"file", "url", "s3", "python"})


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT 1",
        "WITH 1 AS x SELECT x",
        "(SELECT 1) UNION ALL (SELECT 2)",
        "SHOW TABLES",
        "DESCRIBE TABLE frames",
        "EXPLAIN SELECT 1",
        "EXISTS TABLE frames",
        "SELECT 'INTO OUTFILE file(1)' FROM numbers(3)",
        "SELECT 'it\\'s file(' , count() FROM frames",
        "SELECT file FROM t WHERE url = 'x' AND profile(1)",
        "SELECT 1 FORMAT JSON",
    ],
)
def test_reading_passes(sql: str) -> None:
    assert objection(sql, REFUSED) is None


@pytest.mark.parametrize(
    "sql",
    [
        "",
        "INSERT INTO t SELECT 1",
        "KILL QUERY WHERE 1",
        "SET a = 1",
        "SELECT 1 INTO OUTFILE '/tmp/x'",
        "SELECT 1 into\n outfile '/tmp/x'",
        "SELECT file('/etc/passwd')",
        "SELECT FILE ('x')",
        "SELECT `file`('x')",
        "SELECT \"file\"('x')",
        "SELECT * FROM url('http://x')",
        "SELECT 'a' || s3('x')",
        "SELECT '\\\\', file('x')",
    ],
)
def test_writing_and_reaching_out_is_refused(sql: str) -> None:
    assert objection(sql, REFUSED)


@given(st.text(max_size=40), st.sampled_from(["file", "url", "Python"]))
def test_no_string_literal_hides_a_call(text: str, name: str) -> None:
    literal = "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"
    assert objection(f"SELECT {literal}, {name}('x'), {literal}", REFUSED)
    assert objection(f"SELECT {literal}, {literal}", REFUSED) is None
