"""A run says what its detector cannot know, and when its answers are the mark of a wrong head."""

import io
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from rich.console import Console

from sightline.pipeline.accounts import StreamAccount
from sightline.pipeline.cameras import Camera
from sightline.pipeline.model_warnings import findings_warnings, shipped_detector_warning
from sightline.pipeline.report import Report
from sightline.pipeline.summary import print_summary
from sightline.settings import ModelSettings, Settings, TritonSettings

FILE = Camera("gate", "gate.mp4", "frames")
WORLD = Camera("camera-1", "synthetic:junction?seed=3", "frames")
SETTINGS = Settings()


def test_the_shipped_detector_is_said_to_know_nothing_of_a_video() -> None:
    said = shipped_detector_warning(SETTINGS, [WORLD, FILE])
    assert said is not None
    assert "in gate means nothing" in said
    assert "sightline models get yolox-nano" in said


def test_nothing_is_said_of_the_simulated_world_or_of_another_detector() -> None:
    assert shipped_detector_warning(SETTINGS, [WORLD]) is None
    own = SETTINGS.model_copy(update={"model": ModelSettings(path=Path("best.onnx"))})
    assert shipped_detector_warning(own, [FILE]) is None


def test_what_another_triton_serves_is_not_known_but_what_the_gateway_runs_is() -> None:
    remote = SETTINGS.model_copy(update={"triton": TritonSettings(url="triton:8001")})
    assert shipped_detector_warning(remote, [FILE]) is None
    assert shipped_detector_warning(remote, [replace(FILE, mode="detections")]) is not None


def accounts(**detections: int) -> list[StreamAccount]:
    return [StreamAccount(name, 30, 30, detections=count) for name, count in detections.items()]


def test_nothing_found_at_all_is_one_warning_for_all_streams() -> None:
    def no_query(_sql: str, _parameters: Mapping[str, Any]) -> list[dict[str, Any]]:
        raise AssertionError("there is nothing to ask")

    (said,) = findings_warnings(no_query, accounts(gate=0, yard=0), 0)
    assert "nothing in the 60 frames of gate, yard" in said
    assert findings_warnings(no_query, [StreamAccount("gate", 0, 0)], 0) == []


def test_the_summary_and_the_report_tell_the_warnings() -> None:
    report = Report(accounts(gate=3), {}, 1.0, 1.0, 1, 1, warnings=["gate: [odd]."])
    console = Console(file=io.StringIO(), width=200)
    print_summary(console, report, lambda _sql, _parameters: [])
    assert "Warning: gate: [odd]." in console.file.getvalue()
    assert report.as_json()["warnings"] == ["gate: [odd]."]
    assert report.ok
