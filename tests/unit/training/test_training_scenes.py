from pathlib import Path

import numpy as np
import pytest

from sightline.errors import SightlineError
from triton_repo.training.dataset import Dataset, write_dataset
from triton_repo.training.scenes import (
    FIRST_EVALUATION_SEED,
    FIRST_VALIDATION_SEED,
    evaluation_scenes,
    training_scenes,
    validation_scenes,
)


def test_no_seed_is_for_training_and_for_measuring() -> None:
    training = {scene.settings.seed for scene in training_scenes(540, 1, seed=1)}
    validation = {scene.settings.seed for scene in validation_scenes(50, 1)}
    measuring = {scene.settings.seed for scene in evaluation_scenes(FIRST_EVALUATION_SEED, 50, 1)}
    assert len(training) == 540
    assert max(training) < FIRST_VALIDATION_SEED <= min(validation)
    assert max(validation) < FIRST_EVALUATION_SEED <= min(measuring)


def test_a_seed_that_was_trained_on_measures_nothing() -> None:
    with pytest.raises(SightlineError, match="Seed 99999 may have been trained on"):
        evaluation_scenes(99_999, 1, 1)


@pytest.mark.parametrize("first", [0, 1, 17])
def test_any_18_scenes_in_a_row_have_each_kind_in_each_light_and_weather(first: int) -> None:
    scenes = evaluation_scenes(FIRST_EVALUATION_SEED, 60, 1)[first : first + 18]
    seen = {(scene.settings.kind, scene.light, scene.settings.weather) for scene in scenes}
    assert len(seen) == 18


def test_the_same_scenes_give_the_same_pictures_and_truth(tmp_path: Path) -> None:
    scenes = training_scenes(2, 2, seed=1)
    first = write_dataset(tmp_path / "first", scenes, processes=2)
    second = write_dataset(tmp_path / "second", scenes, processes=1)
    assert len(first) == 4
    assert np.array_equal(first.blob, second.blob)
    for name, values in vars(first.truth).items():
        assert np.array_equal(values, getattr(second.truth, name)), name


def test_objects_of_different_scenes_have_different_ids(tmp_path: Path) -> None:
    dataset = write_dataset(tmp_path, training_scenes(3, 2, seed=2), processes=1)
    truth = dataset.truth
    scene_of = truth.scenes[truth.pictures]
    owners: dict[int, int] = {}
    for who, scene in zip(truth.ids, scene_of, strict=True):
        assert owners.setdefault(int(who), int(scene)) == scene
    assert dataset.image(5).shape == (360, 640, 3)
    assert truth.starts[-1] == len(truth.boxes)


def test_a_missing_data_set_says_how_to_draw_one(tmp_path: Path) -> None:
    with pytest.raises(SightlineError, match=r"python -m triton_repo\.training draw"):
        Dataset.load(tmp_path)
