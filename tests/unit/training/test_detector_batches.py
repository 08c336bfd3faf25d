import numpy as np
import pytest

from sightline.vision.heads import InputSize
from triton_repo.training.augment import Variety
from triton_repo.training.dataset import Dataset, write_dataset
from triton_repo.training.detector_batches import Batch, BatchPlan, batches, make_batch, order_of_pictures
from triton_repo.training.scenes import training_scenes

PLAN = BatchPlan(InputSize(416, 256), batch=3, steps=5, seed=1, variety=Variety(), plain_steps=1)


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    return write_dataset(tmp_path_factory.mktemp("pictures"), training_scenes(2, 2, seed=1), processes=1)


def same(first: Batch, second: Batch) -> bool:
    return all(np.array_equal(value, getattr(second, name)) for name, value in vars(first).items())


def test_every_picture_comes_once_before_any_comes_again() -> None:
    order = order_of_pictures(5, PLAN).ravel()
    assert order.shape == (15,)
    for start in (0, 5, 10):
        assert sorted(order[start : start + 5]) == [0, 1, 2, 3, 4]


def test_a_batch_depends_on_seed_and_step_only(dataset: Dataset) -> None:
    made = list(batches(dataset, PLAN))
    order = order_of_pictures(len(dataset), PLAN)
    assert len(made) == PLAN.steps
    assert same(made[3], make_batch(dataset, order[3], PLAN, 3))
    assert not np.array_equal(made[0].images, made[1].images)


def test_objects_are_inside_of_the_input_and_are_asked_for_or_ignored(dataset: Dataset) -> None:
    for batch in batches(dataset, PLAN):
        assert batch.images.shape == (3, 256, 416, 3)
        used = batch.there | batch.ignored
        assert used.any()
        assert not (batch.there & batch.ignored).any()
        boxes = batch.boxes[used]
        assert (boxes[:, 2:] > boxes[:, :2]).all()
        assert (boxes >= 0).all()
        assert (boxes <= np.array([416, 256, 416, 256])).all()
        assert not batch.boxes[~used].any()


def test_the_last_steps_show_pictures_as_they_are_used(dataset: Dataset) -> None:
    last = make_batch(dataset, np.array([0]), PLAN, PLAN.steps - 1)
    truth = dataset.truth
    widths = np.sort((truth.boxes[truth.of(0)][:, 2] - truth.boxes[truth.of(0)][:, 0]) * 0.65)
    moved = last.boxes[0][(last.there | last.ignored)[0]]
    assert np.allclose(np.sort(moved[:, 2] - moved[:, 0]), widths, atol=1e-3)


def test_an_error_in_the_thread_is_told(dataset: Dataset) -> None:
    broken = Dataset(np.zeros_like(dataset.blob), dataset.offsets, dataset.truth)
    with pytest.raises(Exception, match=r".+"):
        list(batches(broken, PLAN))
