"""Which networks the settings name: the shipped appearance network goes with the shipped detector only."""

from collections.abc import Callable
from pathlib import Path

import pytest

from sightline import named_models
from sightline.errors import SightlineError
from sightline.named_models import named_appearance, named_detector, nms_iou, open_recognizer, score_threshold
from sightline.settings import ModelSettings
from tests.appearance_network import ATTRIBUTES, write_appearance
from triton_repo.demo_detector import write_demo_detector


@pytest.fixture(scope="module")
def shipped(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("shipped")
    write_demo_detector(folder / "detector")
    write_appearance(folder / "appearance")
    return folder


@pytest.fixture(autouse=True)
def ship(shipped: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(named_models, "SHIPPED_DETECTOR", shipped / "detector" / "model.onnx")
    monkeypatch.setattr(named_models, "SHIPPED_APPEARANCE", shipped / "appearance" / "model.onnx")


@pytest.mark.parametrize("name", ["detector", "detector/model.onnx", "detector/../detector"])
def test_the_shipped_detector_brings_the_shipped_appearance_network(shipped: Path, name: str) -> None:
    found = named_appearance(ModelSettings(path=shipped / name))
    assert found is not None
    assert found[0] == shipped / "appearance" / "model.onnx"


def test_the_shipped_ones_are_taken_where_none_is_named(shipped: Path) -> None:
    assert named_detector(ModelSettings())[0] == shipped / "detector" / "model.onnx"
    recognizer = open_recognizer(ModelSettings())
    assert recognizer.appearance is not None


def test_thresholds_fit_the_detector_unless_they_are_named(shipped: Path, tmp_path: Path) -> None:
    spec = write_demo_detector(tmp_path / "own")
    own, ours = ModelSettings(path=tmp_path / "own"), ModelSettings(path=shipped / "detector")
    assert (nms_iou(own, spec), score_threshold(own)) == (0.7, 0.1)
    assert (nms_iou(ours, spec), score_threshold(ours)) == (0.5, 0.25)
    assert (nms_iou(ModelSettings(), spec), score_threshold(ModelSettings())) == (0.5, 0.25)
    named = ModelSettings(nms_iou=0.6, score_threshold=0.0)
    assert (nms_iou(named, spec), score_threshold(named)) == (0.6, 0.0)


def test_another_detector_has_none_unless_one_is_named(shipped: Path, tmp_path: Path) -> None:
    write_demo_detector(tmp_path / "own")
    assert named_appearance(ModelSettings(path=tmp_path / "own")) is None
    own = write_appearance(tmp_path / "look")
    found = named_appearance(ModelSettings(path=tmp_path / "own", appearance=own))
    assert found is not None
    assert found[0] == own / "model.onnx"


def test_none_switches_it_off(shipped: Path) -> None:
    assert named_appearance(ModelSettings(path=shipped / "detector", appearance="none")) is None
    recognizer = open_recognizer(ModelSettings(path=shipped / "detector", appearance="none"))
    assert recognizer.appearance is None


def test_both_are_loaded_together(shipped: Path) -> None:
    recognizer = open_recognizer(ModelSettings(path=shipped / "detector"))
    assert recognizer.appearance is not None
    assert recognizer.appearance.attributes == ATTRIBUTES
    assert recognizer.spec == named_detector(ModelSettings(path=shipped / "detector"))[1]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda folder: {"path": folder / "none.onnx"}, "no model at"),
        (lambda folder: {"appearance": folder / "other"}, "no appearance network at"),
    ],
)
def test_what_is_missing_is_an_error(
    shipped: Path, change: Callable[[Path], dict[str, object]], message: str
) -> None:
    settings = ModelSettings(path=shipped / "detector").model_copy(update=change(shipped))
    with pytest.raises(SightlineError, match=message):
        open_recognizer(settings)
