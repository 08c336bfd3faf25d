"""Light, weather and the camera's faults: what happens to a picture after its objects are drawn."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from producers.synthetic.geometry import TURN, View, cos, sin
from producers.synthetic.kinds import LIGHTS, WEATHERS, SceneSettings
from producers.synthetic.layout import Ground
from producers.synthetic.lots import Lot
from producers.synthetic.painting import Sun
from producers.synthetic.solids import Colour

Image = NDArray[np.uint8]

_COARSE: Final = 4
"""Picture pixels per pixel of the map of moving lights."""
SHAKE_MARGIN: Final = 6
"""How far the camera may shake, in canvas pixels."""

# Gains of blue, green and red where no lamp shines, and how noisy the sensor is.
_GAINS: Final = {"day": (1.0, 1.0, 1.0), "dusk": (0.72, 0.66, 0.74), "night": (0.4, 0.34, 0.33)}
_NOISE: Final = {"day": 5, "dusk": 7, "night": 9}


@dataclass(frozen=True)
class Weather:
    """What a scene's light and weather are.

    Attributes:
        light: One of LIGHTS.
        rain: Whether it rains.
        sun: Where light comes from.
        quality: Of the camera's JPEG, 0..100.
        drift: Depth, period in seconds and phase of the slow change of brightness.
        shake: For each axis, amplitude in canvas pixels, frequency in hertz and phase of two swings.
    """

    light: str
    rain: bool
    sun: Sun
    quality: int
    drift: tuple[float, float, float]
    shake: tuple[tuple[float, float, float], ...]

    @property
    def lamps_on(self) -> bool:
        """Whether lamps shine."""
        return self.light != "day" or self.rain

    def brightness(self, time_s: float) -> float:
        """The slow change of light, around 1."""
        depth, period_s, phase = self.drift
        return 1.0 + depth * sin(TURN * time_s / period_s + phase)

    def shift(self, time_s: float) -> tuple[int, int]:
        """How far the camera has shaken, right and down, in canvas pixels."""
        moves = [a * sin(TURN * f * time_s + p) for a, f, p in self.shake]
        return round(moves[0] + moves[1]), round(moves[2] + moves[3])


def weather_of(settings: SceneSettings, lot: Lot) -> Weather:
    """Draw what the settings leave to chance."""
    by_lot = (LIGHTS[min(2, int(lot.random() * 2.2))], WEATHERS[int(lot.random() < 0.3)])
    light = by_lot[0] if settings.light == "auto" else settings.light
    rain = (by_lot[1] if settings.weather == "auto" else settings.weather) == "rain"
    return Weather(
        light=light,
        rain=rain,
        sun=_sun(light, rain, lot),
        quality=lot.integer(80, 94),
        drift=(lot.uniform(0.02, 0.07), lot.uniform(20, 60), lot.uniform(0, TURN)),
        shake=tuple(
            (lot.uniform(0.2, limit), lot.uniform(*hertz), lot.uniform(0, TURN))
            for limit, hertz in ((1.3, (0.2, 0.9)), (0.6, (2, 6))) * 2
        ),
    )


def _sun(light: str, rain: bool, lot: Lot) -> Sun:
    azimuth = TURN * lot.random()
    height = TURN / 360 * (lot.uniform(38, 62) if light == "day" else lot.uniform(24, 32))
    out, up = cos(height), sin(height)
    direction = (out * cos(azimuth), out * sin(azimuth), up)
    if light == "night":
        return Sun((0.0, -0.5, 0.866025403784), 0.72, 0.3, (0.12, 0.12), 0.7)
    if rain:
        return Sun(direction, 0.74, 0.26, (0.1 * direction[0], 0.1 * direction[1]), 0.75)
    fall = out / up
    shadow = (-fall * cos(azimuth), -fall * sin(azimuth))
    return Sun(direction, 0.62, 0.46, shadow, 0.6 if light == "day" else 0.72)


@dataclass(frozen=True)
class Beam:
    """A moving light: where it is seen, and what it lights.

    Attributes:
        at: Where it shines, in picture pixels; None where it is not seen.
        colour: Of the light.
        radius_px: Of its glow.
        pool: float64 (K, 2), the lit ground in picture pixels; empty for none.
    """

    at: tuple[float, float] | None
    colour: Colour
    radius_px: float
    pool: NDArray[np.float64]


class Developer:
    """Turns what is drawn into what the camera gives.

    Args:
        settings: The scene's settings.
        weather: Its light and weather.
        view: The camera, for a picture of that size.
        street_lamps: Where lamps stand.
    """

    def __init__(
        self, settings: SceneSettings, weather: Weather, view: View, street_lamps: Sequence[Ground]
    ) -> None:
        self._settings, self._weather = settings, weather
        lot = Lot(settings.seed, 5)
        self._more, self._less = _noise(settings, lot, _NOISE[weather.light])
        self._rain = _streaks(settings, lot) if weather.rain else None
        self._lit = weather.light != "day"
        self._lamp_map = _lamp_map(settings, weather, view, street_lamps) if self._lit else None

    def develop(self, image: Image, index: int, time_s: float, beams: Sequence[Beam]) -> Image:
        """Light, rain, noise and compression; uint8 (H, W, 3) in and out."""
        lot = Lot(self._settings.seed, 6, index)
        if self._lamp_map is not None:
            image = self._by_lamps(image, beams)
        elif beams:
            image = np.asarray(cv2.add(image, self._spread(beams, pools=False)))
        image = np.asarray(cv2.LUT(image, self._tone(time_s)))
        if self._rain is not None:
            image = np.asarray(cv2.add(image, _window(self._rain, lot, image.shape)))
        image = np.asarray(cv2.add(image, _window(self._more, lot, image.shape)))
        image = np.asarray(cv2.subtract(image, _window(self._less, lot, image.shape)))
        _, data = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, self._weather.quality])
        return np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR), dtype=np.uint8)

    def _by_lamps(self, image: Image, beams: Sequence[Beam]) -> Image:
        lamp_map = self._lamp_map
        assert lamp_map is not None
        light = cv2.add(lamp_map, self._spread(beams, pools=True)) if beams else lamp_map
        image = np.asarray(cv2.multiply(image, light, scale=1 / 255))
        return np.asarray(cv2.add(image, self._spread(beams, pools=False))) if beams else image

    def _spread(self, beams: Sequence[Beam], *, pools: bool) -> Image:
        """The beams' pools on the ground, or their glow, softly spread."""
        height, width = self._settings.height, self._settings.width
        coarse = np.zeros((height // _COARSE, width // _COARSE, 3), dtype=np.uint8)
        for beam in beams:
            if pools and len(beam.pool):
                points = np.rint(beam.pool * (8 / _COARSE)).astype(np.int32)
                cv2.fillConvexPoly(coarse, points, (62, 74, 78), cv2.LINE_8, 3)
            elif not pools and beam.at is not None:
                x, y = (round(c * 8 / _COARSE) for c in beam.at)
                radius = max(3, round(beam.radius_px * 8 / _COARSE))
                cv2.circle(coarse, (x, y), radius, beam.colour, -1, cv2.LINE_8, 3)
        size = 9 if pools else 3
        soft = cv2.blur(cv2.blur(coarse, (size, size)), (size, size))
        return np.asarray(cv2.resize(soft, (width, height), interpolation=cv2.INTER_LINEAR_EXACT))

    def _tone(self, time_s: float) -> Image:
        gain = self._weather.brightness(time_s)
        lift = 0.0
        if self._weather.rain:
            gain, lift = gain * 0.84, 22.0 if self._weather.light == "day" else 10.0
        return np.array([min(255, round(level * gain + lift)) for level in range(256)], dtype=np.uint8)


def _noise(settings: SceneSettings, lot: Lot, strength: int) -> tuple[Image, Image]:
    shape = (settings.height + 64, settings.width + 64, 3)
    noise = lot.integers(-strength, strength + 1, shape) + lot.integers(-strength, strength + 1, shape)
    return np.maximum(noise // 2, 0).astype(np.uint8), np.maximum(-(noise // 2), 0).astype(np.uint8)


def _streaks(settings: SceneSettings, lot: Lot) -> Image:
    """Falling rain: short slanted lines of many lengths."""
    zoom = settings.height / 360
    sheet = np.zeros((settings.height + 64, settings.width + 64, 3), dtype=np.uint8)
    slant = lot.uniform(-0.25, 0.25)
    for _ in range(round(420 * zoom * zoom)):
        x, y = lot.integer(0, settings.width + 64), lot.integer(0, settings.height + 64)
        length = int(lot.integer(6, 22) * zoom)
        level = lot.integer(14, 46)
        cv2.line(sheet, (x, y), (x + round(slant * length), y + length), (level, level, level), 1)
    return np.asarray(cv2.blur(sheet, (1, 3)))


def _window(sheet: Image, lot: Lot, shape: tuple[int, ...]) -> Image:
    x, y = lot.integer(0, 64), lot.integer(0, 64)
    return sheet[y : y + shape[0], x : x + shape[1]]


def _lamp_map(settings: SceneSettings, weather: Weather, view: View, street_lamps: Sequence[Ground]) -> Image:
    """What share of the light of day falls where, 0..255: the sky's, and pools around street lamps."""
    rows, columns = np.arange(settings.height)[:, None] + 0.5, np.arange(settings.width) + 0.5
    light = np.zeros((settings.height, settings.width))
    for x, y in street_lamps:
        u, v, depth = view.project(np.array([x]), np.array([y]), np.array([0.0]))
        reach = 6.5 * view.focal_px / float(depth[0])
        dx, dy = (columns - float(u[0])) / reach, (rows - float(v[0])) / (reach * -view.forward[2])
        fall = 1.0 / (1.0 + dx * dx + dy * dy)
        light += fall * fall
    strength = 0.62 if weather.light == "night" else 0.22
    pool = np.minimum(light, 1.0) * strength
    gains = _GAINS[weather.light]
    warm = (0.72, 0.92, 1.0)
    channels = [np.minimum(np.rint(255 * (g + pool * w)), 255) for g, w in zip(gains, warm, strict=True)]
    return np.stack(channels, axis=2).astype(np.uint8)
