"""Sources that are drawn: what their options mean, and what is said about wrong ones."""

import threading

import pytest

from producers.capture import open_source
from producers.synthetic.camera import WorldCamera
from producers.synthetic.flat import SyntheticCamera
from producers.synthetic.options import open_synthetic, parse_world
from sightline.errors import SightlineError


def test_a_number_is_a_flat_camera_and_a_word_a_scene() -> None:
    flat, live = open_synthetic("synthetic:7?live=0")
    assert isinstance(flat, SyntheticCamera)
    assert not live
    world, live = open_synthetic("synthetic:dock?seed=7&size=320x180")
    assert isinstance(world, WorldCamera)
    assert live


def test_every_option_is_read() -> None:
    query = "seed=9&seconds=2&fps=10&size=320x180&live=0&density=0.5&light=night&weather=rain&loop=1.5"
    settings, live, loop_s = parse_world("", "footpath", query)
    assert (settings.kind, settings.seed, settings.seconds, settings.fps) == ("footpath", 9, 2.0, 10.0)
    assert (settings.width, settings.height, settings.density) == (320, 180, 0.5)
    assert (settings.light, settings.weather, settings.frames) == ("night", "rain", 20)
    assert (live, loop_s) == (False, 1.5)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("synthetic:", "the scene is ''"),
        ("synthetic:beach", "the scene is 'beach', not one of junction, footpath, dock"),
        ("synthetic:dock?seed=-1", "seed is -1"),
        ("synthetic:dock?seed=x", "invalid literal"),
        ("synthetic:dock?fps=0", "fps is 0"),
        ("synthetic:dock?fps=nan", "fps is nan"),
        ("synthetic:dock?colour=red", "no option colour"),
        ("synthetic:dock?size=640", "invalid literal"),
        ("synthetic:dock?size=64000x360", "the width is 64000"),
        ("synthetic:dock?live=2", "live is 2"),
        ("synthetic:dock?density=9", "density is 9"),
        ("synthetic:dock?light=noon", "light is 'noon'"),
        ("synthetic:dock?weather=snow", "weather is 'snow'"),
        ("synthetic:dock?loop=-1", "loop is -1"),
        ("synthetic:dock?loop=600", "a loop of 600 s would take"),
    ],
)
def test_a_wrong_source_is_a_sentence(text: str, why: str) -> None:
    with pytest.raises(SightlineError) as error:
        open_synthetic(text)
    assert why in error.value.what
    assert "synthetic:" in error.value.fix


def test_a_source_gives_its_frames_with_their_truth() -> None:
    source = open_source("synthetic:junction?seed=3&seconds=0.5&fps=10&live=0&size=320x180")
    pictures = list(source.pictures(threading.Event()))
    assert [picture.index for picture in pictures] == [0, 1, 2, 3, 4]
    assert [picture.timestamp_ns for picture in pictures] == [k * 100_000_000 for k in range(5)]
    assert all(picture.image.shape == (180, 320, 3) for picture in pictures)
    assert all(picture.truth is not None and len(picture.truth.ids) for picture in pictures)
