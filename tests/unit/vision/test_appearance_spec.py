import json
import re
from dataclasses import fields, replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sightline.errors import SightlineError
from sightline.vision.appearance import (
    AppearanceSpec,
    find_appearance,
    is_appearance,
    load_appearance_spec,
    save_appearance_spec,
)

SPEC = AppearanceSpec(("car-red", "person-worker"), 128)
name = st.text(st.characters(categories=["L", "N"]), min_size=1, max_size=9)


@given(st.lists(name, min_size=1, max_size=4, unique=True), st.integers(1, 2048), st.integers(1, 1024))
def test_a_spec_comes_back_from_json_as_it_was(attributes: list[str], width: int, side: int) -> None:
    spec = replace(SPEC, attributes=tuple(attributes), embedding_width=width, width=side, scale=1 / 3)
    assert AppearanceSpec.from_json(spec.to_json()) == spec


def test_the_documented_file_is_one_and_every_field_is_explained() -> None:
    page = (Path(__file__).parents[3] / "docs" / "models.md").read_text()
    section = page.split("## Bring your own appearance network")[1].split("\n## ")[0]
    (example,) = re.findall(r"```json\n(.*?)```", section, re.DOTALL)
    spec = AppearanceSpec.from_json(example)
    assert json.loads(example).keys() == json.loads(spec.to_json()).keys()
    rows = "".join(line.split("|")[1] for line in section.splitlines() if line.startswith("| `"))
    assert re.findall(r"`(\w+)`", rows) == ["format", *(field.name for field in fields(AppearanceSpec))]


def test_a_network_is_found_by_its_folder_and_by_its_file(tmp_path: Path) -> None:
    save_appearance_spec(SPEC, tmp_path)
    with pytest.raises(SightlineError, match="no appearance network"):
        find_appearance(tmp_path)
    model = tmp_path / "model.onnx"
    model.write_bytes(b"")
    assert find_appearance(tmp_path) == find_appearance(model) == (model, SPEC)
    versions = tmp_path / "served"
    versions.mkdir()
    tmp_path.joinpath("served", "1").symlink_to(tmp_path)
    assert find_appearance(versions) == (versions / "1" / "model.onnx", SPEC)
    assert is_appearance(versions)
    assert not is_appearance(tmp_path.parent)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("format", 2),
        ("attributes", []),
        ("attributes", ["a", "a"]),
        ("attributes", [str(n) for n in range(1025)]),
        ("embedding_width", 0),
        ("embedding_width", 2049),
        ("width", "64"),
        ("height", 1025),
        ("colour", "GBR"),
        ("scale", 0),
        ("input_name", ""),
        ("head", "yolov8"),
    ],
)
def test_a_wrong_field_is_an_error_that_names_the_file(tmp_path: Path, field: str, value: object) -> None:
    data = json.loads(SPEC.to_json()) | {field: value}
    (tmp_path / "appearance.json").write_text(json.dumps(data))
    with pytest.raises(SightlineError, match=r"appearance\.json"):
        load_appearance_spec(tmp_path)


@pytest.mark.parametrize("text", ["", "[]", "{", "\xff"])
def test_what_is_no_metadata_is_an_error_that_names_the_file(tmp_path: Path, text: str) -> None:
    (tmp_path / "appearance.json").write_bytes(text.encode("latin-1"))
    with pytest.raises(SightlineError, match=r"appearance\.json"):
        load_appearance_spec(tmp_path)
