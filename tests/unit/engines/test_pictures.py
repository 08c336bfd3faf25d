"""Pictures to calibrate and measure with, and their labels, are read from a folder."""

from pathlib import Path

import numpy as np
import pytest

from sightline.errors import SightlineError
from tests.unit.engines.drawn import draw_folder
from triton_repo.pictures import folder_pictures, pictures_for

pytest.importorskip("pycocotools", reason="the extra eval is not installed")


def test_no_picture_is_both_calibrated_and_measured_with(tmp_path: Path) -> None:
    pictures = folder_pictures(draw_folder(tmp_path / "p", 21), 4)
    assert (len(pictures.calibration), len(pictures.measured)) == (11, 10)
    both = [(a == b).all() for a in pictures.calibration for b in pictures.measured]
    assert not any(both)


def test_labels_become_boxes_in_pixels(tmp_path: Path) -> None:
    folder = draw_folder(tmp_path / "p", 20)
    (folder / "001.txt").write_text("2 0.5 0.5 0.25 0.5\n\n0 0.1 0.2 0.1 0.1\n")
    (folder / "003.txt").unlink()
    pictures = folder_pictures(folder, 4)
    assert pictures.truth is not None
    first, second = pictures.truth[:2]
    assert first.classes.tolist() == [2, 0]
    assert first.boxes == pytest.approx(np.array([[240, 90, 400, 270], [32, 54, 96, 90]]), abs=1e-3)
    assert second.boxes.shape == (0, 4)  # a picture without labels among others with them is empty


def test_labels_may_lie_in_a_folder_of_their_own(tmp_path: Path) -> None:
    images = draw_folder(tmp_path / "set" / "images" / "val", 20)
    labels = tmp_path / "set" / "labels" / "val"
    labels.mkdir(parents=True)
    for text in images.glob("*.txt"):
        text.rename(labels / text.name)
    pictures = folder_pictures(tmp_path / "set", 4)
    assert pictures.truth is not None
    assert all(len(one.classes) == 2 for one in pictures.truth)


def test_without_any_labels_nobody_knows_the_truth(tmp_path: Path) -> None:
    assert folder_pictures(draw_folder(tmp_path / "p", 20, labels=False), 4).truth is None


@pytest.mark.parametrize(
    "line", ["4 0.5 0.5 0.1 0.1", "0.5 0 0 0 0", "0 0.5 0.5 0.1", "a b c d e", "0 9 9 9 9"]
)
def test_a_line_that_is_no_object_is_named(tmp_path: Path, line: str) -> None:
    folder = draw_folder(tmp_path / "p", 20)
    (folder / "005.txt").write_text(line + "\n")
    with pytest.raises(SightlineError, match=r"005\.txt is no object of one of 4 classes"):
        folder_pictures(folder, 4)


def test_too_few_pictures_and_broken_ones_are_errors(tmp_path: Path) -> None:
    folder = draw_folder(tmp_path / "p", 19)
    with pytest.raises(SightlineError, match="There are 19 pictures"):
        folder_pictures(folder, 4)
    (folder / "100.png").write_bytes(b"no picture")
    with pytest.raises(SightlineError, match=r"100\.png cannot be read"):
        folder_pictures(folder, 4)
    with pytest.raises(SightlineError, match="There are 0 pictures"):
        folder_pictures(tmp_path / "nowhere", 4)


def test_a_detector_of_other_classes_than_the_cameras_needs_pictures_of_its_own() -> None:
    with pytest.raises(SightlineError, match="detector of cat, dog") as caught:
        pictures_for(("cat", "dog"), None)
    assert "--calibration FOLDER" in caught.value.fix
