"""The bench of the track stage, small: every frame is counted, and the parts make up the whole."""

import os

from processors.track.throughput import Load, bench_track
from sightline.settings_sources import load


def test_every_frame_is_counted_and_the_parts_make_up_the_whole() -> None:
    result = bench_track(load(os.environ).settings, Load(streams=3, frames=20, objects=4, embedding=16))
    for workers in ("workers_1", "workers_2"):
        measured = result[workers]
        assert measured["frames"] == 3 * 20
        assert measured["frames_per_s"] > 0
        parts = measured["cpu_us_per_frame"]
        total = parts.pop("total")
        assert abs(sum(parts.values()) - total) < 1
        assert parts["step"] > 0
        assert 0 < measured["driver_share"] < 1
