from itertools import islice

import numpy as np
import pytest

from triton_repo.training.crops import Crops, jittered
from triton_repo.training.identity_batches import IdentityPlan, identity_batches, look_alikes


@pytest.fixture
def crops() -> Crops:
    """Three scenes with objects of two attributes, one to four views of each."""
    rng = np.random.default_rng(0)
    who = np.arange(40)
    ids = np.repeat(who, rng.integers(1, 5, 40))
    rng.shuffle(ids)
    return Crops(np.zeros((len(ids), 1, 1, 3), np.uint8), ids, ids % 2, ids % 3)


def test_look_alikes_are_of_one_scene_and_attribute_and_have_two_views(crops: Crops) -> None:
    found = look_alikes(crops, 3)
    assert found[2] == [], "no object has the third attribute"
    seen = []
    for attribute, scenes in enumerate(found):
        for objects in scenes:
            rows = np.concatenate(objects)
            assert set(crops.attributes[rows]) == {attribute}
            assert len(set(crops.scenes[rows])) == 1
            for some in objects:
                assert len(some) >= 2
                assert len(set(crops.ids[some])) == 1
                seen.append(int(crops.ids[some[0]]))
    counts = np.bincount(crops.ids)
    assert sorted(seen) == list(np.flatnonzero(counts >= 2))


def test_batches_hold_the_views_that_were_asked_for(crops: Crops) -> None:
    plan = IdentityPlan(groups=4, people=3, views=2)
    groups = look_alikes(crops, 2)
    for rows in islice(identity_batches(groups, plan, np.random.default_rng(1)), 20):
        assert rows.shape == (plan.size,)
        views = crops.ids[rows].reshape(-1, plan.views)
        assert (views == views[:, :1]).all()
        kinds = crops.attributes[rows].reshape(plan.groups, -1)
        assert kinds[:, 0].tolist() == [0, 1, 0, 1], "attributes come evenly"
        assert (kinds == kinds[:, :1]).all()


def test_an_object_with_enough_views_shows_different_ones() -> None:
    crops = Crops(
        np.zeros((6, 1, 1, 3), np.uint8), np.repeat([0, 1], 3), np.zeros(6, np.int64), np.zeros(6, np.int64)
    )
    plan = IdentityPlan(groups=1, people=2, views=3)
    rows = next(identity_batches(look_alikes(crops, 1), plan, np.random.default_rng(0)))
    assert sorted(rows) == list(range(6))


def test_the_same_seed_gives_the_same_batches(crops: Crops) -> None:
    groups, plan = look_alikes(crops, 2), IdentityPlan(4, 3, 2)
    first, second = (
        list(islice(identity_batches(groups, plan, np.random.default_rng(seed)), 5)) for seed in (7, 7)
    )
    assert np.array_equal(first, second)


def test_jitter_stays_within_its_bounds() -> None:
    boxes = np.tile(np.array([[10, 20, 110, 70]], np.float32), (500, 1))
    moved = jittered(boxes, 0.04, np.random.default_rng(0)) - boxes
    assert np.abs(moved).max(axis=0) == pytest.approx([10, 5, 10, 5], abs=1e-3)
    assert np.array_equal(jittered(boxes, 0.0, np.random.default_rng(0)), boxes)
