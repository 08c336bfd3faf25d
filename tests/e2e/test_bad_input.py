"""Whatever is wrong with the input is said in a sentence, before or after everything was started."""

import json
import socket

import pytest

from tests.e2e.system import SHARED, make_video, run_sightline


def refused(*arguments: object) -> str:
    done = run_sightline(*arguments)
    assert done.returncode == 1, done.stdout + done.stderr
    assert "Traceback" not in done.stdout + done.stderr
    assert done.stderr.startswith("Error: ")
    return done.stderr


def test_a_missing_video_is_refused_before_anything_starts(work):
    assert "There is no file gone.mp4" in refused("run", "gone.mp4")
    assert not (work / "sightline-data" / "kafka").exists()


def test_an_empty_video_is_refused_before_anything_starts(work):
    (work / "empty.mp4").touch()
    assert "empty.mp4 is empty" in refused("run", "empty.mp4")


def test_a_misspelt_setting_is_named_with_the_right_one(work):
    assert "Did you mean kafka.heap_mb" in refused("--set", "kafka.heap_bm=512", "run", "a.mp4")


def test_a_model_that_is_no_onnx_file_is_refused(work):
    make_video(work / "a.avi", 3)
    (work / "model.onnx").write_bytes(b"no model")
    assert "model.onnx" in refused("run", "a.avi", "--model", "model.onnx", "--head", "yolov8")


def test_a_model_without_a_declared_head_is_refused(work):
    make_video(work / "a.avi", 3)
    (work / "model.onnx").write_bytes(b"no model")
    assert "--head" in refused("run", "a.avi", "--model", "model.onnx")


@pytest.mark.skipif(not SHARED.exists(), reason=f"the shared model is not at {SHARED}")
def test_a_model_whose_output_does_not_fit_its_head_is_refused_with_both_shapes(work):
    make_video(work / "a.avi", 3)
    said = refused("run", "a.avi", "--model", SHARED / "models" / "yolox_nano.onnx", "--head", "yolov8")
    assert "3549" in said


def test_a_port_in_use_is_a_clear_error(work):
    make_video(work / "a.avi", 3)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        said = refused("--set", f"clickhouse.http_port={port}", "run", "a.avi", "--mode", "detections")
    assert str(port) in said


def test_no_java_is_a_clear_error(work):
    make_video(work / "a.avi", 3)
    said = refused("--set", "kafka.java=/nowhere/java", "run", "a.avi", "--mode", "detections")
    assert "/nowhere/java" in said


def test_a_broker_that_does_not_answer_is_a_clear_error(work):
    make_video(work / "a.avi", 3)
    said = refused("--set", "kafka.bootstrap=127.0.0.1:9", "run", "a.avi", "--mode", "detections")
    assert "127.0.0.1:9" in said


def test_a_video_that_is_cut_in_the_middle_gives_the_frames_that_it_has_and_a_bad_one_says_so(work):
    make_video(work / "whole.avi", 60)
    content = (work / "whole.avi").read_bytes()
    (work / "cut.avi").write_bytes(content[: len(content) * 2 // 3])
    (work / "noise.avi").write_bytes(bytes(range(256)) * 40)
    done = run_sightline(
        "run", "cut.avi", "noise.avi", "whole.avi", "--data", "data", "--report", "report.json"
    )
    report = json.loads((work / "report.json").read_text())
    assert done.returncode == 1  # one of the sources is no video
    assert "noise" in done.stdout
    assert report["streams"]["whole"]["written"] == 60
    assert 30 <= report["streams"]["cut"]["written"] < 60
    assert report["streams"]["cut"]["in_flight"] == 0
    assert report["streams"]["cut"]["message"]
    assert "Traceback" not in done.stdout + done.stderr
