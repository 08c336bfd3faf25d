"""Videos of synthetic scenes with their truth, and the sheet that shows all scenes."""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import cv2
import numpy as np

from producers.synthetic import KINDS, LIGHTS, WEATHERS, SceneSettings, World
from producers.synthetic.motchallenge import TruthFiles
from sightline.errors import SightlineError

_CODECS: Final = {".mp4": "mp4v", ".avi": "MJPG"}
_TILE_PX: Final = (288, 162)
_STEP: Final = 8
"""Levels are rounded down to these steps, which makes the file small."""
_MOMENT: Final = 300
"""Which frame of each scene is shown."""


def render_scene(settings: SceneSettings, output: Path, *, video: bool) -> Iterator[str]:
    """Write a scene and its truth; yields a line of text for each file written.

    Args:
        settings: The scene; `seconds` is set.
        output: The video's path. The truth goes to a folder beside it, named as the file without its ending.
        video: False to write the truth only.

    Raises:
        SightlineError: The video cannot be written there.
    """
    world = World(settings)
    folder = output.with_suffix("")
    if folder == output:
        raise SightlineError(f"{output} has no ending.", "Name the video with .mp4 or .avi.")
    files = TruthFiles(folder, settings)
    writer = _writer(output, settings) if video else None
    for index in range(settings.frames or 0):
        if writer is not None:
            writer.write(world.draw(index))
        files.add(world.truth(index))
    if writer is not None:
        writer.release()
        yield f"wrote {output}"
    for path in files.write(output.name, world.lines, world.zones):
        yield f"wrote {path}"


def _writer(output: Path, settings: SceneSettings) -> cv2.VideoWriter:
    codec = _CODECS.get(output.suffix.lower())
    if codec is None:
        raise SightlineError(
            f"A video named {output.name} cannot be written.", f"End it in {' or '.join(_CODECS)}."
        )
    fourcc = cv2.VideoWriter.fourcc(*codec)
    writer = cv2.VideoWriter(str(output), fourcc, settings.fps, (settings.width, settings.height))
    if not writer.isOpened():
        raise SightlineError(f"The video {output} cannot be written.", "Check that its folder is there.")
    return writer


def contact_sheet(output: Path, seed: int) -> None:
    """Write one picture of all scenes, a row for each, in every light and weather.

    Args:
        output: The picture's path.
        seed: Of the first scene; each further one has the next.

    Raises:
        SightlineError: The picture cannot be written there.
    """
    rows = []
    for kind in KINDS:
        tiles = []
        for weather in WEATHERS:
            for light in LIGHTS:
                settings = SceneSettings(kind, seed, light=light, weather=weather)
                tiles.append(_tile(settings))
                seed += 1
        rows += [np.hstack(tiles[:3]), np.hstack(tiles[3:])]
    try:
        image = np.vstack(rows) // _STEP * _STEP
        done = cv2.imwrite(str(output), image, [cv2.IMWRITE_PNG_COMPRESSION, 9])
    except cv2.error:
        done = False
    if not done:
        raise SightlineError(
            f"The picture {output} cannot be written.", "Name a .png or .jpg in a folder that is there."
        )


def _tile(settings: SceneSettings) -> "np.ndarray[tuple[int, ...], np.dtype[np.uint8]]":
    image = World(settings).draw(_MOMENT)
    small = cv2.resize(image, _TILE_PX, interpolation=cv2.INTER_AREA)
    text = f"{settings.kind} {settings.seed} {settings.light} {settings.weather}"
    cv2.rectangle(small, (0, 0), (8 + 6 * len(text), 15), (30, 30, 30), -1)
    cv2.putText(small, text, (4, 11), cv2.FONT_HERSHEY_SIMPLEX, 0.36, (240, 240, 240), 1, cv2.LINE_AA)
    return np.asarray(small, dtype=np.uint8)
