"""`sightline models repository` writes what the settings say, and says how to serve it."""

from pathlib import Path

import pytest

from sightline.cli.app import run
from sightline.vision.repository import models_in
from tests.appearance_network import write_appearance
from triton_repo.demo_detector import write_demo_detector


@pytest.mark.parametrize(
    ("networks", "models"),
    [("in-process", ["analyzer"]), ("onnxruntime", ["analyzer", "appearance", "detector"])],
)
def test_it_writes_the_models_and_says_how_to_load_them(
    networks: str, models: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_demo_detector(tmp_path / "detector")
    look = write_appearance(tmp_path / "look")
    named = {
        "model.path": tmp_path / "detector",
        "model.appearance": look,
        "triton.networks": networks,
    }
    settings = [word for key, value in named.items() for word in ("--set", f"{key}={value}")]
    assert run([*settings, "models", "repository", str(tmp_path / "repository")]) == 0
    assert models_in(tmp_path / "repository") == models
    said = capsys.readouterr().out
    assert f"--model-repository={tmp_path / 'repository'}" in said
    assert said.count("--load-model=") == len(models)


def test_without_a_model_it_says_which_setting_names_one(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    missing = tmp_path / "none.onnx"
    assert run(["--set", f"model.path={missing}", "models", "repository", str(tmp_path / "out")]) == 1
    assert f"no model at {missing}" in " ".join(capsys.readouterr().err.split())
    assert not (tmp_path / "out").exists()
