"""The cameras of a gateway, as tables of the settings file."""

from pathlib import Path

import pytest

from sightline.settings import Settings, StreamSettings
from sightline.settings_sources import environment_of, explain, load
from tests.unit.settings.loading import refusal, written


def test_each_table_is_a_camera(tmp_path: Path) -> None:
    text = """
        [streams.gate]
        source = "rtsp://cam/1"
        mode = "detections"
        [streams."yard.north"]
        source = "a.mp4"
        realtime = true
    """
    settings = load({}, file=written(tmp_path, text)).settings
    assert list(settings.streams) == ["gate", "yard.north"]
    assert (settings.streams["gate"].mode, settings.streams["gate"].realtime) == ("detections", False)
    assert (settings.streams["yard.north"].mode, settings.streams["yard.north"].realtime) == (None, True)


@pytest.mark.parametrize("name", ["a b", "", "a/b", "ä", "a" * 65, "cam\\n", ".", ".."])
def test_an_illegal_stream_id_is_told_with_the_rule(tmp_path: Path, name: str) -> None:
    what = refusal(file=written(tmp_path, f'[streams."{name}"]\nsource = "x"\n'))
    assert "is no stream id: use 1 to 64 of A-Z a-z 0-9 . _ and -." in what


def test_ids_that_differ_in_case_only_are_refused(tmp_path: Path) -> None:
    text = "[streams.Gate]\nsource = 'x'\n[streams.gate]\nsource = 'y'\n"
    assert refusal(file=written(tmp_path, text)).startswith("The streams Gate and gate differ in nothing but")


def test_the_environment_can_give_cameras_as_json() -> None:
    text = '{"gate": {"source": "rtsp://host/live", "realtime": true}, "a.b": {"source": "x"}}'
    streams = load({"SIGHTLINE_STREAMS": text}).settings.streams
    assert {name: stream.source for name, stream in streams.items()} == {
        "gate": "rtsp://host/live",
        "a.b": "x",
    }
    assert streams["gate"].realtime


@pytest.mark.parametrize("text", ["{", "[]", "7", '{"gate": 7}'])
def test_cameras_in_the_environment_that_are_no_json_are_told(text: str) -> None:
    assert refusal({"SIGHTLINE_STREAMS": text}) == (
        "SIGHTLINE_STREAMS in the environment is no JSON object of cameras."
    )


def test_a_camera_without_a_source_is_told(tmp_path: Path) -> None:
    file = written(tmp_path, "[streams.gate]\nrealtime = true\n")
    assert refusal(file=file) == (
        f"The setting streams.gate.source (from {file}) is missing: every camera needs one."
    )


def test_a_misspelt_key_is_told_with_the_nearest_name(tmp_path: Path) -> None:
    file = written(tmp_path, "[streams.gate]\nsource = 'x'\nmod = 'frames'\n")
    assert refusal(file=file).endswith("Did you mean streams.gate.mode?")


def test_a_key_that_is_an_address_gets_no_name_made_of_it(tmp_path: Path) -> None:
    said = refusal(file=written(tmp_path, '[streams.gate]\n"rtsp://u:s3cret@10.0.0.7/live" = 3\n'))
    assert "There is no setting streams.gate.rtsp://" in said
    assert "Did you mean" not in said


def test_the_environment_sends_people_to_the_file() -> None:
    assert refusal({"SIGHTLINE_STREAMS_GATE_SOURCE": "x"}).endswith(
        "Cameras are set in the file, as [streams.NAME], or as JSON in SIGHTLINE_STREAMS."
    )


def test_the_command_line_can_add_one_even_with_dots_in_its_id() -> None:
    loaded = load({}, overrides={"streams.a.b.mp4.source": "x", "streams": None})
    assert loaded.settings.streams["a.b.mp4"].source == "x"
    assert explain(loaded)[-1].origin == "command line"


def test_the_command_line_can_give_all_of_them(tmp_path: Path) -> None:
    file = written(tmp_path, "[streams.gate]\nsource = 'x'\n")
    loaded = load({}, file=file, overrides={"streams": {"yard": {"source": "y"}}})
    assert list(loaded.settings.streams) == ["yard"]
    assert explain(loaded)[-1].origin == "command line"


def test_cameras_come_as_json_from_the_environment_over_those_of_the_file(tmp_path: Path) -> None:
    file = written(tmp_path, "[streams.gate]\nsource = 'a.mp4'\nrealtime = true\n")
    text = '{"gate": {"source": "b.mp4"}, "yard.1": {"source": "rtsp://me:s3cret@cam/1", "mode": "frames"}}'
    streams = load({"SIGHTLINE_STREAMS": text}, file=file).settings.streams
    assert (streams["gate"].source, streams["gate"].realtime) == ("b.mp4", True)
    assert (streams["yard.1"].source, streams["yard.1"].mode) == ("rtsp://me:s3cret@cam/1", "frames")


def test_a_child_process_gets_the_cameras_too() -> None:
    streams = {"a.b": StreamSettings(source="ü, 'x'.mp4", realtime=True), "c": StreamSettings(source="d=e")}
    settings = Settings(streams=streams)
    assert load(environment_of(settings)).settings == settings


@pytest.mark.parametrize("text", ["{", "[]", "7", '{"gate": "a.mp4"}', '{"gate": null}'])
def test_what_is_no_json_of_cameras_is_refused(text: str) -> None:
    assert refusal({"SIGHTLINE_STREAMS": text}).startswith("SIGHTLINE_STREAMS in the environment is no JSON")


def test_a_wrong_camera_in_the_environment_is_named_with_where_it_came_from() -> None:
    said = refusal({"SIGHTLINE_STREAMS": '{"gate": {"source": "a", "fps": 3}}'})
    assert said.startswith("There is no setting streams.gate.fps (from SIGHTLINE_STREAMS)")
