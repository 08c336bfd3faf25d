"""`sightline models build` converts appearance networks too, and measures what they are for."""

import json
from pathlib import Path

import numpy as np
import pytest

from sightline.cli.app import run
from sightline.errors import SightlineError
from sightline.named_models import open_recognizer
from sightline.settings import ModelSettings
from sightline.vision.appearance import find_appearance
from tests.appearance_network import ATTRIBUTES, write_appearance
from tests.unit.engines.colours import VIEWS, draw_objects
from tests.unit.engines.drawn import draw_folder, write_least_detector
from tests.unit.engines.fake_tensorrt import FakeTensorRt
from triton_repo.appearance_conversion import compare
from triton_repo.evaluation.appearance import Looks
from triton_repo.gate import check
from triton_repo.views import folder_views, views_for


@pytest.fixture
def network(tmp_path: Path) -> Path:
    return write_appearance(tmp_path / "look")


@pytest.fixture
def objects(tmp_path: Path) -> Path:
    return draw_objects(tmp_path / "objects")


@pytest.fixture
def gpu(fake: FakeTensorRt) -> FakeTensorRt:
    """A GPU whose engines do what their ONNX file does."""
    fake.input_shape, fake.output_shapes = (-1, 3, 16, 16), ((-1, 4), (-1, 3))
    fake.names = ["crops", "embedding", "probabilities"]
    fake.runs_onnx = True
    return fake


def looks(directions: list[int], probable: list[int]) -> Looks:
    """Eight views of four objects of two attributes: what a network sees in each."""
    ids = np.repeat(np.arange(4), 2)
    embeddings = np.eye(8)[directions]
    return Looks(embeddings, np.eye(2)[probable], ids // 2, ids, np.zeros(8, np.int64), np.arange(8))


TOLD_APART = looks([0, 0, 1, 1, 2, 2, 3, 3], [0, 0, 0, 0, 1, 1, 1, 1])


@pytest.mark.parametrize("precision", ["fp16", "int8"])
def test_a_smaller_network_gets_a_folder_of_its_own_with_its_figures(
    network: Path, objects: Path, precision: str, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["models", "build", str(network), "--target", "onnx", f"--{precision}"]
    assert run([*words, "--calibration", str(objects)]) == 0
    new = network.with_name(f"look-{precision}")
    assert f"sightline --set model.appearance={new} run VIDEO" in capsys.readouterr().out
    files = sorted(str(path.relative_to(new)) for path in new.rglob("*") if path.is_file())
    assert files == ["1/accuracy.json", "1/appearance.json", "1/model.onnx", "config.pbtxt"]
    assert find_appearance(new)[1] == find_appearance(network)[1]
    told = json.loads((new / "1" / "accuracy.json").read_text())
    assert told["kept"] >= 0.9
    assert sorted(told["measures"]) == ["attribute_accuracy", "reid_pairs"]
    # Half of the objects calibrate.
    assert (told["pictures"], told["truth"]) == (3 * 2 * VIEWS, "labels")


def test_an_engine_of_both_heads_is_built_measured_and_used_beside_the_detectors(
    network: Path, objects: Path, gpu: FakeTensorRt, tmp_path: Path
) -> None:
    words = ["models", "build", str(network), "--fp16", "--max-batch", "4", "--calibration", str(objects)]
    assert run(words) == 0
    (plan,) = (network / "engines").glob("*.plan")
    told = json.loads(plan.with_suffix(".json").read_text())
    assert told["accuracy"]["measures"]["attribute_accuracy"]["original"] > 0.9
    assert told["accuracy"]["kept"] >= 0.9
    gpu.input_shape, gpu.output_shapes, gpu.names = (-1, 3, 32, 64), ((-1, 6, 42),), ["images", "output0"]
    gpu.calls.clear()
    detector = write_least_detector(tmp_path / "detector")
    shown = draw_folder(tmp_path / "shown", 20, labels=False)
    assert run(["models", "build", str(detector), "--max-batch", "2", "--calibration", str(shown)]) == 0
    assert gpu.driver is not None
    settings = ModelSettings(path=detector, appearance=network, backend="tensorrt", score_threshold=0.1)
    recognizer = open_recognizer(settings)
    runs_before = gpu.driver.calls.count("cuMemcpyHtoDAsync_v2")
    (found,) = recognizer.detect([np.full((32, 64, 3), (20, 20, 230), np.uint8)])
    # The detector once, and its two boxes once together.
    assert gpu.driver.calls.count("cuMemcpyHtoDAsync_v2") == runs_before + 2
    assert found.probabilities is not None
    assert found.probabilities.argmax(axis=1).tolist() == [ATTRIBUTES.index("reddish")] * len(found.scores)
    assert len(found.scores) > 0


def test_without_an_engine_of_its_own_it_stays_with_onnx_runtime(
    network: Path, gpu: FakeTensorRt, tmp_path: Path
) -> None:
    detector = write_least_detector(tmp_path / "detector")
    shown = draw_folder(tmp_path / "shown", 20, labels=False)
    gpu.input_shape, gpu.output_shapes, gpu.names = (-1, 3, 32, 64), ((-1, 6, 42),), ["images", "output0"]
    assert run(["models", "build", str(detector), "--calibration", str(shown)]) == 0
    settings = ModelSettings(path=detector, appearance=network, backend="tensorrt", score_threshold=0.1)
    (found,) = open_recognizer(settings).detect([np.full((32, 64, 3), (20, 230, 20), np.uint8)])
    assert found.probabilities is not None
    assert found.probabilities.argmax(axis=1).tolist() == [ATTRIBUTES.index("greenish")] * len(found.scores)


def test_what_is_lost_counts_above_chance_and_the_worse_half_decides() -> None:
    same = compare(TOLD_APART, TOLD_APART)
    assert [measure.kept for measure in same.measures] == [1.0, 1.0]
    # Six of eight attributes right: half of what is above guessing.
    wrong = compare(TOLD_APART, looks([0, 0, 1, 1, 2, 2, 3, 3], [0, 0, 0, 1, 0, 1, 1, 1]))
    assert wrong.worst.name == "attribute_accuracy"
    assert wrong.kept == pytest.approx(0.5)
    # Everything looks alike: every comparison is a draw.
    blind = compare(TOLD_APART, looks([0] * 8, [0, 0, 0, 0, 1, 1, 1, 1]))
    assert (blind.worst.name, blind.kept) == ("reid_pairs", 0.0)
    with pytest.raises(SightlineError, match=r"keeps 0\.0% of .* accuracy of re-identification") as e:
        check(blind, "look in int8", force=False)
    assert "where guessing gives 0.500" in e.value.what


def test_an_original_that_only_guesses_cannot_be_compared_with() -> None:
    with pytest.raises(SightlineError, match=r"attributes of 0\.500 .*, and guessing would have 0\.500"):
        compare(looks([0, 0, 1, 1, 2, 2, 3, 3], [0] * 8), TOLD_APART)
    with pytest.raises(SightlineError, match=r"re-identification of 0\.500"):
        compare(looks([0] * 8, [0, 0, 0, 0, 1, 1, 1, 1]), TOLD_APART)


def test_objects_that_are_seen_once_cannot_tell_how_well_they_are_known_again() -> None:
    once = TOLD_APART.only(np.arange(0, 8, 2))
    with pytest.raises(SightlineError, match="seen twice"):
        compare(once, once)


def test_no_object_is_for_calibration_and_measured(objects: Path) -> None:
    views = folder_views(objects, ATTRIBUTES)
    assert len(views.calibration) == len(views.measured.images) == 3 * 2 * VIEWS
    calibrating = {image.tobytes() for image in views.calibration}
    assert not calibrating & {image.tobytes() for image in views.measured.images}
    assert np.bincount(views.measured.attributes).tolist() == [2 * VIEWS] * 3
    assert np.bincount(views.measured.ids).tolist() == [VIEWS] * 6


def test_a_folder_that_does_not_fit_is_refused_with_what_is_expected(tmp_path: Path) -> None:
    other = draw_objects(tmp_path / "other", attributes=("reddish", "purple"))
    with pytest.raises(SightlineError, match="purple is named as none") as caught:
        folder_views(other, ATTRIBUTES)
    assert "reddish, greenish, blueish" in caught.value.fix
    few = draw_objects(tmp_path / "few", objects=2, attributes=("reddish",))
    with pytest.raises(SightlineError, match=f"There are {VIEWS} pictures"):
        folder_views(few, ATTRIBUTES)
    with pytest.raises(SightlineError, match="cannot be read"):
        folder_views(tmp_path / "missing", ATTRIBUTES)
    with pytest.raises(SightlineError, match="reddish, greenish, blueish") as caught:
        views_for(ATTRIBUTES, None)
    assert "ATTRIBUTE/OBJECT/" in caught.value.fix


def test_a_folder_and_a_model_that_ships_exclude_each_other(
    network: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["models", "build", str(network), "--model", "appearance", "--fp16"]) == 1
    assert "--model and a folder exclude each other" in capsys.readouterr().err
