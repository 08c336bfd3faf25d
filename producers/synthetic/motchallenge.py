"""Writes a scene's truth as files: MOTChallenge's, and tables of attributes and events.

The MOTChallenge format: Dendorfer et al., MOT20: A benchmark for multi object tracking in crowded scenes,
2020.
"""

import csv
import json
from collections.abc import Iterable
from pathlib import Path

from producers.synthetic.kinds import ATTRIBUTES, CLASSES, SceneSettings
from producers.truth import FrameTruth, Line, Zone


class TruthFiles:
    """A folder with a scene's truth.

    `gt/gt.txt` has a line for each object of each frame: frame (from 1), id, left, top, width, height in
    pixels, 1, class (from 1), visibility. `labels.txt` names the classes in their order. `attributes.csv` has
    a row for each object, `events.csv` for each event, `places.json` the lines and zones.

    Args:
        folder: Made when it is not there; files in it are replaced.
        settings: The scene's.
    """

    def __init__(self, folder: Path, settings: SceneSettings) -> None:
        self._folder, self._settings = folder, settings
        (folder / "gt").mkdir(parents=True, exist_ok=True)
        self._rows: list[str] = []
        self._attributes: dict[int, int] = {}
        self._events: list[tuple[int, str, str, int, str]] = []
        self._frames = 0

    def add(self, truth: FrameTruth) -> None:
        """Add the next frame's truth."""
        self._frames += 1
        columns = (
            truth.boxes.tolist(),
            truth.ids.tolist(),
            truth.classes.tolist(),
            truth.visibility.tolist(),
        )
        for (x1, y1, x2, y2), number, class_, seen in zip(*columns, strict=True):
            box = f"{x1:g},{y1:g},{x2 - x1:g},{y2 - y1:g}"
            self._rows.append(f"{self._frames},{number},{box},1,{class_ + 1},{seen:.4f}\n")
        self._attributes |= dict(zip(truth.ids.tolist(), truth.attributes.tolist(), strict=True))
        self._events += [(e.at_ns, e.kind, e.place, e.object_id, e.direction) for e in truth.events]

    def write(self, video: str, lines: Iterable[Line], zones: Iterable[Zone]) -> list[Path]:
        """Write the files; returns their paths.

        Args:
            video: The video's file name.
            lines: The camera's lines.
            zones: The camera's zones.
        """
        named = [(number, ATTRIBUTES[index]) for number, index in sorted(self._attributes.items())]
        attributes = [(number, name.partition("-")[0], name) for number, name in named]
        places = {
            "lines": [{"name": n.name, "x1": n.x1, "y1": n.y1, "x2": n.x2, "y2": n.y2} for n in lines],
            "zones": [{"name": zone.name, "points": zone.points.tolist()} for zone in zones],
        }
        texts = {
            "gt/gt.txt": "".join(self._rows),
            "labels.txt": "".join(f"{name}\n" for name in CLASSES),
            "seqinfo.ini": self._seqinfo(video),
            "places.json": json.dumps(places, indent=2) + "\n",
        }
        for name, text in texts.items():
            (self._folder / name).write_text(text, encoding="utf-8")
        self._table("attributes.csv", ("id", "class", "attribute"), attributes)
        self._table("events.csv", ("at_ns", "kind", "place", "id", "direction"), self._events)
        return [self._folder / name for name in (*texts, "attributes.csv", "events.csv")]

    def _seqinfo(self, video: str) -> str:
        settings = self._settings
        return (
            f"[Sequence]\nname={self._folder.name}\nvideo={video}\nframeRate={settings.fps:g}\n"
            f"seqLength={self._frames}\nimWidth={settings.width}\nimHeight={settings.height}\n"
            f"scene={settings.kind}\nseed={settings.seed}\n"
        )

    def _table(self, name: str, header: tuple[str, ...], rows: Iterable[tuple[object, ...]]) -> None:
        with (self._folder / name).open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(header)
            writer.writerows(rows)
