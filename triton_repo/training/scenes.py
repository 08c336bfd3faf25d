"""Which scenes are for training, which are for choosing, and which are for measuring only.

The one place where the models' makers meet the synthetic cameras.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from producers.synthetic import ATTRIBUTES, CLASSES, KINDS, FrameTruth, SceneSettings, World
from sightline.errors import SightlineError

__all__ = [
    "ATTRIBUTES",
    "CLASSES",
    "FIRST_EVALUATION_SEED",
    "FrameTruth",
    "Scene",
    "Shot",
    "draw",
    "evaluation_scenes",
    "training_scenes",
    "validation_scenes",
]

FIRST_VALIDATION_SEED: Final = 90_000
"""Training takes the seeds below; those from here on tell during training how far it has come."""

FIRST_EVALUATION_SEED: Final = 100_000
"""Seeds from here on are for measuring the finished models; nothing that shapes a model sees them."""

LIGHTS: Final = ("day", "dusk", "night")
WEATHERS: Final = ("clear", "rain")
DENSITIES: Final = (1.0, 1.5, 0.5)


@dataclass(frozen=True)
class Scene:
    """A scene and which of its frames are looked at.

    Attributes:
        settings: What the camera shows. Its frame rate is that of the shots, so they are far apart in time.
        shots: How many frames are looked at, from the first one on.
    """

    settings: SceneSettings
    shots: int

    @property
    def light(self) -> str:
        """Day, dusk or night."""
        return self.settings.light


@dataclass(frozen=True)
class Shot:
    """A frame and what is in it.

    Attributes:
        image: uint8 (height, width, 3), BGR, as drawn.
        truth: The objects in it.
    """

    image: NDArray[np.uint8]
    truth: FrameTruth


def training_scenes(count: int, shots: int, seed: int) -> list[Scene]:
    """Draw scenes to train on, with seeds below FIRST_VALIDATION_SEED.

    Args:
        count: How many.
        shots: Frames of each.
        seed: The same one gives the same scenes.
    """
    rng = np.random.Generator(np.random.PCG64(seed))
    seeds = rng.choice(FIRST_VALIDATION_SEED, count, replace=False)
    return _spread([int(number) for number in seeds], shots)


def validation_scenes(count: int, shots: int) -> list[Scene]:
    """The scenes that tell during training how far it has come."""
    return _spread([FIRST_VALIDATION_SEED + number for number in range(count)], shots)


def evaluation_scenes(first_seed: int, count: int, shots: int) -> list[Scene]:
    """Scenes to measure finished models on: seeds first_seed, first_seed + 1, …

    Any 18 of them in a row have each kind in each light, dry and in rain.

    Raises:
        SightlineError: The seed is one that training may have seen.
    """
    if first_seed < FIRST_EVALUATION_SEED:
        raise SightlineError(
            f"Seed {first_seed} may have been trained on, so what it measures would be too good.",
            f"Give a seed of {FIRST_EVALUATION_SEED} or more.",
        )
    return _spread([first_seed + number for number in range(count)], shots)


def _spread(seeds: list[int], shots: int) -> list[Scene]:
    """Go through kinds, lights and weathers evenly; the seed draws all else."""
    return [
        Scene(
            SceneSettings(
                kind=KINDS[number % 3],
                seed=seed,
                fps=SHOTS_PER_S,
                density=DENSITIES[number // 2 % 3],
                light=LIGHTS[number // 3 % 3],
                weather=WEATHERS[number // 9 % 2],
            ),
            shots,
        )
        for number, seed in enumerate(seeds)
    ]


SHOTS_PER_S: Final = 1.6
"""Objects move by a good part of their own length from shot to shot, and stay for several."""


def draw(scene: Scene) -> Iterator[Shot]:
    """Draw a scene's shots in order."""
    world = World(scene.settings)
    for index in range(scene.shots):
        yield Shot(world.draw(index), world.truth(index))
