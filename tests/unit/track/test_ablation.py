"""The variants of the ablation still do something, and leave the tracker as it was."""

import numpy as np
import pytest
from scenes import scene

from processors.track.config import TrackerConfig
from tests.parity import sightline_mot
from tests.parity.ablation import AS_IT_IS, VARIANTS

DETECTIONS = [
    np.c_[message.boxes, message.scores, message.scores] for message in scene(6, frames=90, objects=60)
]


def tracked(config: TrackerConfig = AS_IT_IS) -> bytes:
    return sightline_mot.run(DETECTIONS, None, 30.0, config)[0].tobytes()


@pytest.mark.parametrize("name", [name for name in VARIANTS if name != "as it is"])
def test_a_variant_changes_the_tracks_while_it_is_on_and_not_after(name: str) -> None:
    variant, config = VARIANTS[name]
    before = tracked()
    with variant():
        assert tracked(config) != before
    assert tracked() == before
