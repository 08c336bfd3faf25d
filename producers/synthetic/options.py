"""Reads what a synthetic source says, for the world's scenes and for the flat cameras."""

from collections.abc import Mapping
from typing import Final
from urllib.parse import parse_qsl

from producers.sources import Source
from producers.synthetic.camera import LoopCamera, WorldCamera
from producers.synthetic.flat import SyntheticCamera, parse_synthetic
from producers.synthetic.kinds import KINDS, LIGHTS, WEATHERS, SceneSettings
from sightline.errors import SightlineError

MAX_DENSITY: Final = 2.0
MAX_LOOP_BYTES: Final = 1 << 30

_DEFAULTS: Final = {
    "seed": "0",
    "seconds": "0",
    "fps": "30",
    "size": "640x360",
    "live": "1",
    "density": "1",
    "light": "auto",
    "weather": "auto",
    "loop": "0",
}


def open_synthetic(text: str) -> tuple[Source, bool]:
    """Open `synthetic:KIND` or `synthetic:NUMBER` with options; returns the camera, and whether it is live.

    Raises:
        SightlineError: There is no such scene, or an option is unknown or out of its range.
    """
    kind, _, query = text.removeprefix("synthetic:").partition("?")
    if kind[:1].isdigit() or kind[:1] in ("-", "+"):
        scene, live = parse_synthetic(text)
        return SyntheticCamera(scene), live
    settings, live, loop_s = parse_world(text, kind, query)
    return (LoopCamera(settings, loop_s) if loop_s else WorldCamera(settings)), live


def parse_world(text: str, kind: str, query: str) -> tuple[SceneSettings, bool, float]:
    """Settings of a scene, whether it is played at its own rate, and a loop's length in seconds (0: none).

    Args:
        text: The whole source, for errors.
        kind: The scene.
        query: Options as in an address.

    Raises:
        SightlineError: See `open_synthetic`.
    """
    try:
        options = _options(query)
        settings, loop_s = _settings(kind, options)
        return settings, bool(_within("live", int(options["live"]), 0, 1)), loop_s
    except ValueError as error:
        raise SightlineError(
            f"The source {text} is wrong: {error}.",
            f"Write synthetic:KIND with KIND one of {', '.join(KINDS)}, or with options "
            "synthetic:junction?seed=7&seconds=30&fps=30&size=640x360&live=0&density=1&light=night&weather=rain.",
        ) from error


def _options(query: str) -> Mapping[str, str]:
    given = dict(parse_qsl(query, keep_blank_values=True))
    if unknown := given.keys() - _DEFAULTS.keys():
        raise ValueError(f"there is no option {min(unknown)}")
    return _DEFAULTS | given


def _settings(kind: str, options: Mapping[str, str]) -> tuple[SceneSettings, float]:
    width, _, height = options["size"].partition("x")
    fps = _within("fps", float(options["fps"]), 0.1, 1000)
    seconds = _within("seconds", float(options["seconds"]), 0, 1e7)
    loop_s = _within("loop", float(options["loop"]), 0, 600)
    settings = SceneSettings(
        kind=_one_of("the scene", kind, KINDS),
        seed=int(_within("seed", int(options["seed"]), 0, 2**32)),
        fps=fps,
        seconds=seconds or None,
        width=int(_within("the width", int(width), 160, 4096)),
        height=int(_within("the height", int(height), 90, 2304)),
        density=_within("density", float(options["density"]), 0.1, MAX_DENSITY),
        light=_one_of("light", options["light"], (*LIGHTS, "auto")),
        weather=_one_of("weather", options["weather"], (*WEATHERS, "auto")),
    )
    loop_bytes = loop_s * fps * settings.width * settings.height * 3
    if loop_bytes > MAX_LOOP_BYTES:
        raise ValueError(f"a loop of {loop_s:g} s would take {loop_bytes / 2**30:.1f} GiB of memory, over 1")
    return settings, loop_s


def _one_of(name: str, value: str, known: tuple[str, ...]) -> str:
    if value not in known:
        raise ValueError(f"{name} is {value!r}, not one of {', '.join(known)}")
    return value


def _within(name: str, value: float, low: float, high: float) -> float:
    if not low <= value <= high:
        raise ValueError(f"{name} is {value:g}, not in {low:g}..{high:g}")
    return value
