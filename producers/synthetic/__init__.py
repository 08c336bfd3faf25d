"""Synthetic cameras: scenes that are drawn from a seed, and the exact truth about every frame."""

from producers.synthetic.kinds import ATTRIBUTES, CLASSES, KINDS, LIGHTS, WEATHERS, SceneSettings
from producers.synthetic.world import World
from producers.truth import FrameTruth, Line, TruthEvent, Zone

__all__ = [
    "ATTRIBUTES",
    "CLASSES",
    "KINDS",
    "LIGHTS",
    "WEATHERS",
    "FrameTruth",
    "Line",
    "SceneSettings",
    "TruthEvent",
    "World",
    "Zone",
]
