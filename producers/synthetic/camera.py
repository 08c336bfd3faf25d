"""Synthetic cameras as sources of frames, each with its truth."""

import threading
from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from producers.sources import Image, Picture
from producers.synthetic.kinds import ATTRIBUTES, CLASSES, SceneSettings
from producers.synthetic.world import World
from producers.truth import FrameTruth, Legend, TruthEvent


class WorldCamera:
    """A source that draws every frame afresh; not paced.

    Args:
        settings: What it shows.
    """

    live = False
    own_clock = True
    message = ""

    def __init__(self, settings: SceneSettings) -> None:
        self.fps, self.width, self.height = settings.fps, settings.width, settings.height
        self.world = World(settings)
        self.legend = _legend(self.world)

    def pictures(self, stop: threading.Event) -> Iterator[Picture]:
        """The scene's frames, until its end."""
        settings = self.world.settings
        index = 0
        while not stop.is_set() and (settings.frames is None or index < settings.frames):
            image = self.world.draw(index)
            yield Picture(index, settings.time_ns(index), image, self.world.truth(index))
            index += 1

    def close(self) -> None:
        """Nothing to let go of."""


class LoopCamera:
    """A source that draws a stretch once and plays it again and again, for load; not paced.

    From one round to the next the scene is cut, as when a camera is switched: all objects vanish, and others,
    with ids of their own, stand where the first round's stood. The truth says so: who is in a zone at the cut
    leaves it at the end of the round, and who begins the next round in one enters it then.

    Args:
        settings: What it shows; `seconds` is the length of all rounds together.
        loop_s: The length of one round in seconds, drawn when the camera is opened.
    """

    live = False
    own_clock = True
    message = ""

    def __init__(self, settings: SceneSettings, loop_s: float) -> None:
        self.fps, self.width, self.height = settings.fps, settings.width, settings.height
        self._settings = settings
        self.world = World(settings)
        self.legend = _legend(self.world)
        count = max(1, round(loop_s * settings.fps))
        self._images: list[Image] = []
        self._truths: list[FrameTruth] = []
        for index in range(count):
            self._images.append(self.world.draw(index))
            self._truths.append(self.world.truth(index))
        self._ids = 1 + max((int(truth.ids.max()) for truth in self._truths if len(truth.ids)), default=0)
        self._ids = max(
            [self._ids, *(event.object_id + 1 for truth in self._truths for event in truth.events)]
        )
        self._inside = _inside_at_end(self._truths)

    def frame(self, index: int) -> tuple[Image, FrameTruth]:
        """The picture and the truth of frame `index`."""
        around, at = divmod(index, len(self._images))
        truth = self._truths[at]
        if around == 0:
            return self._images[at], truth
        shift = around * self._ids
        begin_ns = self._settings.time_ns(around * len(self._images))
        events = [
            replace(event, object_id=event.object_id + shift, at_ns=event.at_ns + begin_ns)
            for event in truth.events
        ]
        if at == 0:
            gone = [
                TruthEvent("left", place, object_id + shift - self._ids, begin_ns)
                for place, object_id in self._inside
            ]
            events = [*gone, *events]
        ids: np.ndarray[tuple[int], np.dtype[np.int64]] = truth.ids + shift
        return self._images[at], replace(truth, ids=ids, events=tuple(events))

    def pictures(self, stop: threading.Event) -> Iterator[Picture]:
        """The rounds' frames, until the end."""
        index = 0
        while not stop.is_set() and (self._settings.frames is None or index < self._settings.frames):
            image, truth = self.frame(index)
            yield Picture(index, self._settings.time_ns(index), image, truth)
            index += 1

    def close(self) -> None:
        """Let go of the pictures."""
        self._images, self._truths = self._images[:1], self._truths[:1]


def _legend(world: World) -> Legend:
    return Legend(CLASSES, ATTRIBUTES, world.lines, world.zones)


def _inside_at_end(truths: list[FrameTruth]) -> list[tuple[str, int]]:
    """Zone and object of everyone who is in a zone when a round ends."""
    inside: dict[tuple[str, int], None] = {}
    for truth in truths:
        for event in truth.events:
            if event.kind == "entered":
                inside[event.place, event.object_id] = None
            elif event.kind == "left":
                inside.pop((event.place, event.object_id), None)
    return list(inside)
