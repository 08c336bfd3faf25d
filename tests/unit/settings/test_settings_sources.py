"""Where settings come from, which wins, and what is said about a wrong one."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sightline.errors import SightlineError
from sightline.settings_sources import environment_of, explain, load, variable
from tests.unit.settings.loading import refusal, written


def test_the_command_line_wins_over_the_environment_and_that_over_the_file(tmp_path: Path) -> None:
    file = written(
        tmp_path, "[kafka]\npartitions = 2\nreplication = 2\nheap_mb = 256\n[model]\nhead = 'yolox'\n"
    )
    environment = {"SIGHTLINE_KAFKA_PARTITIONS": "3", "SIGHTLINE_KAFKA_REPLICATION": "3"}
    loaded = load(environment, file=file, overrides={"kafka.partitions": 4, "triton.url": None})
    kafka = loaded.settings.kafka
    assert (kafka.partitions, kafka.replication, kafka.heap_mb) == (4, 3, 256)
    assert (loaded.settings.model.head, loaded.settings.triton.url) == ("yolox", None)
    assert loaded.origins == {
        "kafka.partitions": "command line",
        "kafka.replication": "SIGHTLINE_KAFKA_REPLICATION",
        "kafka.heap_mb": str(file),
        "model.head": str(file),
    }


def test_nothing_set_gives_the_defaults() -> None:
    loaded = load({})
    assert loaded.origins == {}
    assert {item.origin for item in explain(loaded)} == {"default"}


def test_the_file_in_the_current_folder_is_read_unless_another_is_named(tmp_path: Path) -> None:
    (tmp_path / "sightline.toml").write_text("[kafka]\npartitions = 2\n")
    other = written(tmp_path, "[kafka]\npartitions = 5\n")
    assert load({}).settings.kafka.partitions == 2
    assert load({"SIGHTLINE_CONFIG": str(other)}).settings.kafka.partitions == 5
    assert load({"SIGHTLINE_CONFIG": "/nowhere.toml"}, file=other).settings.kafka.partitions == 5


def test_a_missing_settings_file_is_named_with_who_named_it() -> None:
    with pytest.raises(
        SightlineError, match=r"/nowhere\.toml cannot be read: No such file.*SIGHTLINE_CONFIG"
    ):
        load({"SIGHTLINE_CONFIG": "/nowhere.toml"})
    with pytest.raises(SightlineError, match=r"nowhere\.toml cannot be read: No such file.*--config"):
        load({}, file=Path("nowhere.toml"))


@pytest.mark.parametrize("content", [b"[kafka", b"\xff\xfe", b"a = 1\na = 2\n"])
def test_a_file_that_is_not_toml_is_named(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "broken.toml"
    path.write_bytes(content)
    assert refusal(file=path).startswith(f"The settings file {path} is not valid TOML: ")


def test_a_folder_in_place_of_the_file_is_named(tmp_path: Path) -> None:
    assert refusal(file=tmp_path) == f"The settings file {tmp_path} cannot be read: Is a directory."


def test_an_unknown_key_is_told_with_its_source_and_the_nearest_name(tmp_path: Path) -> None:
    file = written(tmp_path, "[kafka]\nbootstrp = 'a:1'\n")
    assert refusal(file=file) == (
        f"There is no setting kafka.bootstrp (from {file}). Did you mean kafka.bootstrap?"
    )
    assert refusal({"SIGHTLINE_KAFKA_BOOTSTRP": "a:1"}) == (
        "SIGHTLINE_KAFKA_BOOTSTRP in the environment is no setting. Did you mean SIGHTLINE_KAFKA_BOOTSTRAP?"
    )
    assert refusal(overrides={"kafka.bootstrp": "a:1"}) == (
        "There is no setting kafka.bootstrp (from the command line). Did you mean kafka.bootstrap?"
    )


def test_an_unknown_section_or_a_key_without_one_is_told_with_the_nearest_name(tmp_path: Path) -> None:
    file = written(tmp_path, "bootstrap = 'a:1'\n[kafak]\nbootstrap = 'a:1'\n")
    assert refusal(file=file).splitlines() == [
        f"There is no setting bootstrap (from {file}). Did you mean kafka.bootstrap?",
        f"There is no setting kafak (from {file}). Did you mean kafka?",
    ]


def test_a_name_like_no_other_gets_no_suggestion() -> None:
    assert refusal({"SIGHTLINE_ZZZ": "1"}) == "SIGHTLINE_ZZZ in the environment is no setting."


def test_every_problem_is_told_at_once(tmp_path: Path) -> None:
    file = written(tmp_path, "[kafka]\npartitions = 0\n")
    environment = {"SIGHTLINE_TYPO": "1", "SIGHTLINE_TRITON_TIMEOUT_S": "soon"}
    assert len(refusal(environment, file, {"log.level": "loud"}).splitlines()) == 4


@pytest.mark.parametrize(
    ("name", "text", "sentence"),
    [
        (
            "KAFKA_PARTITIONS",
            "0",
            "kafka.partitions = '0' (from {}) is wrong: it should be greater than or equal",
        ),
        (
            "KAFKA_PARTITIONS",
            "many",
            "kafka.partitions = 'many' (from {}) is wrong: it should be a valid integer",
        ),
        (
            "WRITE_DETECTIONS",
            "maybe",
            "write.detections = 'maybe' (from {}) is wrong: it should be a valid boolean",
        ),
        (
            "TRITON_TIMEOUT_S",
            "nan",
            "triton.timeout_s = 'nan' (from {}) is wrong: it should be a finite number",
        ),
        (
            "KAFKA_RETENTION_SCALE",
            "inf",
            "kafka.retention_scale = 'inf' (from {}) is wrong: it should be a finite",
        ),
        (
            "MODEL_HEAD",
            "yolov9",
            "model.head = 'yolov9' (from {}) is wrong: it should be 'yolov8', 'yolov5', ",
        ),
        (
            "CLICKHOUSE_DATABASE",
            "a-b",
            "clickhouse.database = 'a-b' (from {}) is wrong: it should match pattern",
        ),
    ],
)
def test_a_wrong_value_is_told_with_key_value_and_source(name: str, text: str, sentence: str) -> None:
    name = f"SIGHTLINE_{name}"
    assert refusal({name: text}).startswith("The setting " + sentence.format(name))


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("kafka = 3", "The setting kafka = 3 (from {}) is wrong: it should be a table, [kafka]."),
        ("streams = 3", "The setting streams = 3 (from {}) is wrong: it should be a table, [streams]."),
        (
            "streams.a = 'x'",
            "The setting streams.a = 'x' (from {}) is wrong: it should be a table, [streams.a].",
        ),
        (
            "[kafka]\nhome = 3",
            "The setting kafka.home = 3 (from {}) is wrong: it should be a path, in quotes.",
        ),
    ],
)
def test_a_value_of_the_wrong_kind_in_the_file_is_told_with_what_belongs_there(
    tmp_path: Path, text: str, sentence: str
) -> None:
    file = written(tmp_path, text)
    assert refusal(file=file) == sentence.format(file)


def test_a_value_where_the_environment_needs_a_table_is_told(tmp_path: Path) -> None:
    file = written(tmp_path, "kafka = 3\n")
    assert refusal({"SIGHTLINE_KAFKA_HOME": "/opt"}, file) == (
        "The setting kafka.home cannot be set: kafka is 3, not a table."
    )


def test_the_environment_of_other_programs_is_ignored() -> None:
    others = {
        "PATH": "/bin",
        "SIGHTLINER_X": "1",
        "sightline_kafka_home": "/opt",
        "KAFKA_HOME": "/opt",
        "": "",
    }
    assert load(others).origins == {}


def test_an_empty_variable_counts_as_not_set() -> None:
    loaded = load({"SIGHTLINE_KAFKA_HOME": "", "SIGHTLINE_KAFKA_PARTITIONS": "", "SIGHTLINE_CONFIG": ""})
    assert (loaded.settings.kafka.home, loaded.origins) == (None, {})


@pytest.mark.parametrize(
    ("text", "value"),
    [("true", True), ("1", True), ("on", True), ("False", False), ("0", False), ("no", False)],
)
def test_booleans_are_read_from_the_environment(text: str, value: bool) -> None:
    assert load({"SIGHTLINE_WRITE_DETECTIONS": text}).settings.write.detections is value


def test_paths_and_numbers_are_read_from_the_environment() -> None:
    settings = load({"SIGHTLINE_KAFKA_HOME": "/opt/kafka x", "SIGHTLINE_TRITON_TIMEOUT_S": "0.5"}).settings
    assert settings.kafka.home == Path("/opt/kafka x")
    assert settings.triton.timeout_s == 0.5


def test_a_child_process_gets_the_same_settings_through_its_environment(tmp_path: Path) -> None:
    overrides = {"kafka.home": Path("/opt/kafka x"), "write.detections": False, "triton.timeout_s": 0.1}
    settings = load({}, overrides=overrides).settings
    environment = environment_of(settings)
    assert load(environment).settings == settings
    assert "SIGHTLINE_KAFKA_BOOTSTRAP" not in environment


@given(
    partitions=st.integers(1, 10_000),
    scale=st.floats(min_value=0, exclude_min=True, allow_infinity=False),
    bootstrap=st.none() | st.text(min_size=1).filter(lambda text: not set("\0@/") & set(text)),
    head=st.sampled_from([None, "yolov8", "end2end"]),
    detections=st.booleans(),
)
def test_any_settings_survive_the_way_through_the_environment(
    partitions: int, scale: float, bootstrap: str | None, head: str | None, detections: bool
) -> None:
    overrides = {
        "kafka.partitions": partitions,
        "kafka.retention_scale": scale,
        "kafka.bootstrap": bootstrap,
        "model.head": head,
        "write.detections": detections,
    }
    settings = load({}, overrides=overrides).settings
    assert load(environment_of(settings)).settings == settings


def test_every_setting_says_what_it_is_for_and_has_a_variable_of_its_own() -> None:
    explained = explain(load({}))
    assert len(explained) > 30
    for item in explained:
        assert len(item.description) > 9, item.key
        assert not item.description.endswith("."), item.key
    variables = [variable(item.key) for item in explained]
    assert len(set(variables)) == len(variables)


def test_passwords_are_not_shown(tmp_path: Path) -> None:
    file = written(
        tmp_path,
        "[clickhouse]\ndsn = 'clickhouse://me:s3cret@host:1'\n[streams.a]\nsource = 'rtsp://me:s3cret@cam/1'\n",
    )
    loaded = load({}, file=file)
    shown = {item.key: item.value for item in explain(loaded)}
    assert shown["clickhouse.dsn"] == "clickhouse://***@host:1"
    assert shown["streams.a"] == "rtsp://***@cam/1"
    assert loaded.settings.clickhouse.dsn == "clickhouse://me:s3cret@host:1"
    wrong = refusal(
        overrides={"clickhouse.dsn": ["clickhouse://me:s3cret@host:1"], "log.level": "//a:s3cret@b"}
    )
    assert "s3cret" not in wrong


@pytest.mark.parametrize(
    ("key", "address"),
    [
        ("streams.a.source", "rtsp://me:s3/cret@10.0.0.1/x"),
        ("clickhouse.dsn", "clickhouse://me:s3/cret@host:1"),
        ("clickhouse.dsn", "clickhouse://me:33/cret@host:1"),
        ("streams.a.source", ""),
        ("clickhouse.dsn", "me:s3cret@host:1"),
        ("clickhouse.dsn", "clickhouse:///x?password=s3cret"),
        ("kafka.bootstrap", "a:9092,me:s3cret@host:9092"),
        ("kafka.bootstrap", "kafka://a:9092"),
        ("triton.url", "http://me:s3cret@host:8001"),
    ],
)
def test_an_address_that_reaches_nothing_is_told_with_its_key_and_without_passwords(
    key: str, address: str
) -> None:
    with pytest.raises(
        SightlineError, match=f"The setting {key} \\(from the command line\\) is wrong"
    ) as caught:
        load({}, overrides={key: address})
    assert "cret" not in str(caught.value)
    assert "/cret" not in address or "%2F for /" in caught.value.fix


def test_a_password_in_a_value_of_the_wrong_kind_is_not_shown(tmp_path: Path) -> None:
    address = "rtsp://me:s3cr'et w0rd@cam/1"
    wrong = refusal(file=written(tmp_path, f'[streams]\na = "{address}"\n'))
    assert "streams.a = 'rtsp://***@cam/1'" in wrong
    wrong = refusal(file=written(tmp_path, f'streams = ["{address}"]\n'))
    assert "w0rd" not in wrong
    wrong = refusal(file=written(tmp_path, '[[streams]]\nsource = "rtsp://me:9 w0rd@cam/1"\n'))
    assert "w0rd" not in wrong
    wrong = refusal(file=written(tmp_path, f'[streams."{address}"]\nsource = "x"\n'))
    assert "w0rd" not in wrong
    assert "is no stream id" in wrong
