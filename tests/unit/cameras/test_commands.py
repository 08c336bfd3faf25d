"""`sightline cameras`: the files hold the scene and its truth, and mistakes are sentences."""

import csv
import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from producers.ffmpeg import open_file
from producers.synthetic import ATTRIBUTES, SceneSettings, World
from sightline.cli import app


def render(folder: Path, *more: str) -> int:
    video = str(folder / "out.mp4")
    scene = ("--scene", "dock", "--seed", "5", "--seconds", "1", "--fps", "10", "--size", "320x180")
    return app.run(["cameras", "render", *scene, *more, video])


def test_a_video_and_its_truth_are_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert render(tmp_path) == 0
    world = World(SceneSettings("dock", 5, fps=10, seconds=1, width=320, height=180))
    capture = open_file(str(tmp_path / "out.mp4"))  # OpenCV keeps what it is set to at its first video
    assert capture.get(cv2.CAP_PROP_FRAME_COUNT) == 10
    read, image = capture.read()
    assert read
    assert np.abs(image.astype(int) - world.draw(0)).mean() < 12
    rows = np.loadtxt(tmp_path / "out" / "gt" / "gt.txt", delimiter=",")
    for index in range(10):
        truth, mine = world.truth(index), rows[rows[:, 0] == index + 1]
        assert mine[:, 1].tolist() == truth.ids.tolist()
        assert np.allclose(mine[:, 2:4], truth.boxes[:, :2])
        assert np.allclose(mine[:, 2:4] + mine[:, 4:6], truth.boxes[:, 2:])
        assert mine[:, 7].tolist() == (truth.classes + 1).tolist()
        assert np.allclose(mine[:, 8], truth.visibility, atol=1e-4)
    told_paths = capsys.readouterr().out
    written = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert len(written) == 7
    assert all(f"wrote {path}\n" in told_paths for path in written)
    with (tmp_path / "out" / "attributes.csv").open() as file:
        assert {row["attribute"] for row in csv.DictReader(file)} <= set(ATTRIBUTES)
    with (tmp_path / "out" / "events.csv").open() as file:
        events = [
            (row["kind"], row["place"], int(row["id"]), int(row["at_ns"])) for row in csv.DictReader(file)
        ]
    told = [event for index in range(10) for event in world.truth(index).events]
    assert events == [(event.kind, event.place, event.object_id, event.at_ns) for event in told]
    places = json.loads((tmp_path / "out" / "places.json").read_text())
    assert [line["name"] for line in places["lines"]] == [line.name for line in world.lines]


def test_the_truth_alone_needs_no_video(tmp_path: Path) -> None:
    assert render(tmp_path, "--truth-only") == 0
    assert not (tmp_path / "out.mp4").exists()
    assert (tmp_path / "out" / "gt" / "gt.txt").stat().st_size > 0


def test_what_is_wrong_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    video = str(tmp_path / "out.mp4")
    for arguments, why in (
        (["--scene", "beach", video], "not one of junction"),
        ([str(tmp_path / "out.gif")], "End it in .mp4 or .avi"),
        ([str(tmp_path / "none" / "x" / "out")], "has no ending"),
        (["--light", "noon", video], "light is 'noon'"),
    ):
        assert app.run(["cameras", "render", "--seconds", "0.1", *arguments]) == 1
        assert why in capsys.readouterr().err


def test_the_sheet_shows_every_scene_in_every_light_and_weather(tmp_path: Path) -> None:
    assert app.run(["cameras", "sheet", str(tmp_path / "sheet.png")]) == 0
    image = cv2.imread(str(tmp_path / "sheet.png"))
    assert image is not None
    assert image.shape == (6 * 162, 3 * 288, 3)
    assert app.run(["cameras", "sheet", str(tmp_path / "none" / "sheet.png")]) == 1
