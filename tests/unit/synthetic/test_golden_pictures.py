"""The same seed gives the same truth and the same pictures, on every machine and for ever.

A change of these digests changes what models were trained on and what scores are compared with: it is a
decision, not a repair.
"""

import hashlib

import pytest

from producers.synthetic import KINDS, SceneSettings, World

FRAMES = (0, 1, 37, 200)
SCENES = {"junction": ("night", "rain"), "footpath": ("day", "clear"), "dock": ("dusk", "clear")}
TRUTH = {
    "junction": "4f8dc8d5d36ac42dd0ab7256b9a9bff806885d5b12c8e673e73d5828fdc33bfd",
    "footpath": "38e4bd1d6ccde94d52b24aaa5c0fbb46e553835af5a098c8bf53e3e15e38c7f2",
    "dock": "c5980df9c98871ff327454cb9ae86dc8f21380b8f0b4716158a4053ac44b2f47",
}
PICTURES = {
    "junction": "081e88f7e9a69ce8836566601acccd93d8c2899f2d7bdda289395d1d140c2cc7",
    "footpath": "2130f0b65909ea1c784b1a17c6ce3e6aece2a681db7cc081ef20e493ed331ccd",
    "dock": "3834c97d8eabe4b732717b49d3c105fdfb60a4aa8f97be435ae7e292d9418c8c",
}


def world_of(kind: str) -> World:
    light, weather = SCENES[kind]
    return World(SceneSettings(kind, 7, light=light, weather=weather))


@pytest.mark.parametrize("kind", KINDS)
def test_the_truth_is_the_same_for_ever(kind: str) -> None:
    world, digest = world_of(kind), hashlib.sha256()
    for index in FRAMES:
        truth = world.truth(index)
        for values in (truth.boxes, truth.ids, truth.classes, truth.attributes, truth.visibility):
            digest.update(values.astype(values.dtype.newbyteorder("<")).tobytes())
        digest.update(repr(truth.events).encode())
    assert digest.hexdigest() == TRUTH[kind]


@pytest.mark.parametrize("kind", KINDS)
def test_the_pictures_are_the_same_for_ever(kind: str) -> None:
    world, digest = world_of(kind), hashlib.sha256()
    for index in FRAMES:
        digest.update(world.draw(index).tobytes())
    assert digest.hexdigest() == PICTURES[kind]
