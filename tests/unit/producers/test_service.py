"""A gateway that detects with the shipped detector says what its answers about real pictures are worth."""

import logging
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from producers import service
from sightline.settings import ModelSettings, Settings, StreamSettings


@pytest.mark.parametrize(
    ("source", "mode", "model", "warns"),
    [
        ("gate.mp4", "detections", None, True),
        ("gate.mp4", "frames", None, False),  # whoever detects will say it
        ("synthetic:dock", "detections", None, False),
        ("gate.mp4", "detections", Path("best.onnx"), False),
    ],
)
def test_the_shipped_detector_is_said_to_know_nothing_of_a_video(
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    tmp_path: Path,
    source: str,
    mode: Any,
    model: Path | None,
    warns: bool,
) -> None:
    monkeypatch.setattr(service, "run_gateway", lambda *_args, **_options: SimpleNamespace(exit_code=0))
    monkeypatch.setattr(service.signal, "signal", lambda *_args: None)
    settings = Settings(model=ModelSettings(path=model))
    with caplog.at_level(logging.WARNING):
        service.serve_gateway({"gate": StreamSettings(source=source, mode=mode)}, settings, tmp_path)
    assert ("in gate means nothing" in caplog.text) is warns
