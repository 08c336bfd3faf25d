"""The writer's HTTP port: clients read through it as from a server, and nobody writes or reaches out."""

import http.client
import subprocess
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import clickhouse_connect
import pytest
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import DatabaseError
from writer_world import Sender, Writer, counts_sql, expected_counts, wait_for_rows

from sightline.settings import Settings

READONLY = 164


@pytest.fixture(scope="module")
def port(writer_settings: Settings, tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """The port of a writer with thirty frames of one stream in its tables."""
    data_dir = tmp_path_factory.mktemp("http") / "data"
    Sender(str(writer_settings.kafka.bootstrap)).frames(["http-a"], range(30))
    with Writer(writer_settings, data_dir) as writer:
        found = writer.wait_ready()
        wait_for_rows(found, counts_sql("http-"), expected_counts(1, 30))
        yield found
        assert writer.log.count("Traceback") == 0


@pytest.fixture
def client(port: int) -> Iterator[Client]:
    """clickhouse-connect, as an analyst uses it."""
    found = clickhouse_connect.get_client(host="127.0.0.1", port=port, database="sightline")
    yield found
    found.close()


def request(
    port: int, method: str, path: str, body: bytes | None = None, **headers: str
) -> tuple[int, str, bytes]:
    """One plain request: status, code of the exception, body."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        connection.request(
            method, path, body, {name.replace("_", "-"): value for name, value in headers.items()}
        )
        response = connection.getresponse()
        return response.status, response.headers.get("X-ClickHouse-Exception-Code", ""), response.read()
    finally:
        connection.close()


def test_clickhouse_connect_reads_rows_frames_and_parameters(client: Client) -> None:
    assert client.query(
        "SELECT count(), min(seq), max(seq) FROM frames WHERE stream_id = 'http-a'"
    ).result_rows == [(30, 0, 29)]
    given = {"text": "it's\\a\nline\t✓", "number": 3}
    assert client.query("SELECT {text:String}, {number:UInt8}", parameters=given).result_rows == [
        ("it's\\a\nline\t✓", 3)
    ]
    frame = client.query_df(
        "SELECT label, count() AS n FROM tracks WHERE stream_id = 'http-a' GROUP BY label"
    )
    assert dict(zip(frame["label"], frame["n"], strict=True)) == {"car": 22, "person": 14, "bus": 7}
    assert client.query("SELECT seq FROM frames WHERE 0").result_rows == []
    with client.query_row_block_stream("SELECT number FROM numbers(200000)") as stream:
        assert sum(len(block) for block in stream) == 200_000


def test_a_client_may_bring_settings_of_formats_and_lower_its_limits(client: Client) -> None:
    settings = {"max_threads": 1, "max_execution_time": 5, "output_format_json_quote_64bit_integers": 1}
    body = client.raw_query("SELECT toUInt64(7) AS n", fmt="JSONEachRow", settings=settings)
    assert body == b'{"n":"7"}\n'
    with pytest.raises(DatabaseError) as caught:
        client.query("SELECT number FROM numbers(100)", settings={"max_result_rows": 10})
    assert caught.value.code == 396


def test_plain_http_answers_queries_in_the_url_and_the_body(port: int) -> None:
    assert request(port, "GET", "/ping") == (200, "", b"Ok.\n")
    assert request(port, "GET", "/?query=SELECT%201") == (200, "", b"1\n")
    assert request(port, "POST", "/?default_format=CSV", b"SELECT 1, 'a'") == (200, "", b'1,"a"\n')
    assert request(port, "POST", "/?query=SELECT&param_x=5", b"{x:UInt8} + 1") == (200, "", b"6\n")
    assert request(port, "POST", "/", b"SELECT 1 FORMAT Native") == (200, "", b"\x01\x01\x011\x05UInt8\x01")
    status, code, body = request(port, "POST", "/", b"SELECT nothing FROM frames")
    assert (status, code) == (404, "47")
    assert body.startswith(b"Code: 47. DB::Exception: ")


def test_clickhouse_go_is_told_the_revision_in_which_blocks_come(port: int) -> None:
    hello = b"SELECT displayName(), version(), revision(), timezone()"
    body = request(port, "POST", "/?client_protocol_version=54460&default_format=Native", hello)[2]
    assert body.startswith(
        b"\x01\x00\x02\xff\xff\xff\xff\x00\x04\x01\x0ddisplayName()\x06String\x00\x09sightline"
    )
    assert b"revision()\x06UInt32\x00\x00\x00\x00\x00" in body
    status, _, text = request(port, "POST", "/?compress=1", b"SELECT 1")
    assert status == 400
    assert b"not compressed" in text


def test_curl_reads_json(port: int) -> None:
    asked = quote("SELECT max(seq) AS m FROM frames")
    url = f"http://127.0.0.1:{port}/?query={asked}&default_format=JSONEachRow"
    done = subprocess.run(["curl", "-sS", "-m", "20", url], capture_output=True, text=True, check=False)
    assert done.stdout in ('{"m":29}\n', '{"m":"29"}\n'), done.stderr


WRITES = [
    "INSERT INTO frames SELECT * FROM frames",
    "INSERT INTO FUNCTION file('{there}') SELECT 1",
    "DROP TABLE frames",
    "DROP DATABASE sightline",
    "TRUNCATE TABLE frames",
    "CREATE TABLE x (a UInt8) ENGINE = Memory",
    "CREATE TEMPORARY TABLE x (a UInt8)",
    "ALTER TABLE frames DELETE WHERE 1",
    "OPTIMIZE TABLE frames FINAL",
    "RENAME TABLE frames TO frames2",
    "EXCHANGE TABLES frames AND tracks",
    "ATTACH TABLE x",
    "DETACH TABLE frames",
    "SYSTEM STOP MERGES",
    "SYSTEM SHUTDOWN",
    "KILL QUERY WHERE 1",
    "SET readonly = 0",
    "SET max_memory_usage = 0",
    "SELECT 1 SETTINGS readonly = 0",
    "SELECT 1 SETTINGS max_memory_usage = 0",
    "SELECT 1 INTO OUTFILE '{there}'",
    "SELECT 1 /* */ into /* */ outfile '{there}' FORMAT CSV",
    "(SELECT 1) UNION ALL (SELECT 2) INTO OUTFILE '{there}' FORMAT CSV",
    "SELECT 1; DROP TABLE frames",
    "SELECT 1; SELECT 2",
    "BACKUP TABLE frames TO File('{there}')",
    "CREATE FUNCTION f AS x -> x",
    "CREATE USER x",
    "GRANT ALL ON *.* TO default",
    "USE system",
    "EXPLAIN ANALYZE INSERT INTO frames SELECT * FROM frames",
    "",
]
READS_OUTSIDE = [
    "SELECT * FROM file('{secret}')",
    "SELECT * FROM file('{secret}', 'LineAsString')",
    "SELECT file('{secret}')",
    "SELECT `file`('{secret}')",
    "SELECT `fi\\x6ce`('{secret}')",
    "SELECT \"file\"('{secret}')",
    "SELECT FILE('{secret}')",
    "SELECT arrayMap(x -> file(x), ['{secret}'])",
    "WITH (SELECT file('{secret}')) AS x SELECT x",
    "SELECT * FROM view(SELECT file('{secret}'))",
    "SELECT * FROM (SELECT * FROM file('{secret}', 'LineAsString'))",
    "SELECT * FROM merge('system', 'one') WHERE file('{secret}') != ''",
    "SELECT * FROM '{secret}'",
    "SELECT * FROM `{secret}`",
    "SELECT * FROM default.`{secret}`",
    "DESCRIBE TABLE file('{secret}')",
    "EXPLAIN SELECT * FROM file('{secret}')",
    "SHOW CREATE TABLE default.`{secret}`",
    "EXISTS TABLE default.`{secret}`",
    "SELECT * FROM url('file://{secret}', 'LineAsString')",
    "SELECT * FROM url('http://127.0.0.1:{port}/ping', 'LineAsString')",
    "SELECT * FROM s3('http://127.0.0.1:{port}/a/b.csv')",
    "SELECT * FROM remote('127.0.0.1', system.one)",
    "SELECT * FROM cluster('default', system.one)",
    "SELECT * FROM executable('cat {secret}', 'TSV', 'a String')",
    "SELECT * FROM sqlite('{there}', 't')",
    "SELECT * FROM mysql('127.0.0.1:{port}', 'a', 'b', 'c', 'd')",
    "SELECT * FROM Python(settings)",
    "SELECT * FROM filesystem('{folder}')",
    "SELECT * FROM deltaLakeLocal('{folder}')",
    "SELECT * FROM eval('SELECT 1')",
    "SELECT * FROM loop(system.one)",
    "SELECT * FROM mongodb('127.0.0.1:{port}', 'a', 'b', 'c', 'd', 'x String')",
]


@pytest.mark.parametrize("sql", WRITES + READS_OUTSIDE)
def test_what_writes_or_reaches_outside_the_tables_is_refused(port: int, tmp_path: Path, sql: str) -> None:
    secret, there = tmp_path / "secret.txt", tmp_path / "there"
    secret.write_text("the-secret\n")
    names = {"secret": secret, "there": there, "folder": tmp_path, "port": port}
    for name, value in names.items():
        sql = sql.replace("{" + name + "}", str(value))
    status, code, body = request(port, "POST", "/?database=sightline", sql.encode())
    if not sql.startswith("EXISTS"):
        assert status >= 400
        assert code
    assert b"the-secret" not in body
    assert sorted(tmp_path.iterdir()) == [secret]
    assert request(port, "POST", "/", b"SELECT count() FROM frames WHERE stream_id = 'http-a'")[2] == b"30\n"


def test_settings_in_the_url_cannot_lift_the_limits(port: int) -> None:
    # `readonly` is among what the port takes and ignores: clients send it as a wish for less.
    assert request(port, "POST", "/?readonly=0", b"DROP TABLE frames")[1] == str(READONLY)
    assert request(port, "GET", "/?query=SELECT%201&max_insert_threads=4")[1] == str(READONLY)
    assert request(port, "GET", "/?query=SELECT%201&output_format_schema=x")[1] == str(READONLY)
    names = "'max_memory_usage', 'max_execution_time'"
    asked = f"SELECT value FROM system.settings WHERE name IN ({names}) ORDER BY name"
    path = f"/?query={quote(asked)}&max_memory_usage=0&max_execution_time=99999"
    assert request(port, "GET", path)[2] == b"60\n500000000\n"


def test_a_greedy_query_ends_in_an_error_and_harms_nobody(port: int) -> None:
    greedy = "SELECT groupArray(toString(number)) FROM numbers(1000000000)"
    assert request(port, "POST", "/", greedy.encode())[1] == "241"
    endless = "SELECT count() FROM system.numbers WHERE NOT ignore(sipHash64(number))"
    assert request(port, "POST", "/?max_execution_time=1", endless.encode())[:2] == (408, "159")
    assert request(port, "GET", "/?query=SELECT%201") == (200, "", b"1\n")


def test_what_is_no_query_is_refused_in_a_sentence(port: int) -> None:
    assert request(port, "POST", "/", b"SELECT '\xff'")[0] == 400
    assert request(port, "POST", "/", b"x" * (5 << 20))[0] == 400
    assert request(port, "POST", "/", b"1f", Content_Encoding="gzip")[0] == 400
    assert request(port, "GET", "/?query=SELECT%201&default_format=../x")[0] == 400
    assert request(port, "GET", "/favicon.ico")[0] == 404
    assert request(port, "GET", "/ping", Host="example.com:80")[0] == 403
