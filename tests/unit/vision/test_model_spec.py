import json
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sightline.errors import SightlineError
from sightline.vision.heads import Head
from sightline.vision.labels import COCO_LABELS, COCO_VERSION, labels_version, read_labels
from sightline.vision.model import ULTRALYTICS, ModelSpec, load_spec, save_spec

SPEC = ModelSpec(Head.YOLOV8, 320, 192, "images", "output0", ("car", "person"), ULTRALYTICS)
FEED = {"colour": "RGB", "scale": 1.0, "pad_value": 114, "position": "stretch"}
name = st.text(st.characters(categories=["L", "N"]), min_size=1, max_size=9)


@given(
    st.sampled_from([head for head in Head if head is not Head.NMS]),
    st.lists(name, min_size=1, max_size=4, unique=True),
    st.none() | st.integers(1, 9),
)
def test_a_spec_comes_back_from_json_as_it_was(head: Head, labels: list[str], batch: int | None) -> None:
    spec = replace(SPEC, head=head, labels=tuple(labels), batch=batch, labels_version="")
    assert ModelSpec.from_json(spec.to_json()) == spec


def test_a_spec_is_read_from_the_folder_it_was_saved_in(tmp_path: Path) -> None:
    file = save_spec(SPEC, tmp_path)
    assert load_spec(tmp_path) == load_spec(file) == SPEC


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("format", 2),
        ("head", "yolov9000"),
        ("head", "nms"),
        ("box_units", "inches"),
        ("scores", "percent"),
        ("width", 0),
        ("height", "192"),
        ("batch", 0),
        ("layout", "CHWN"),
        ("dtype", "int8"),
        ("labels", []),
        ("labels", ["a", "a"]),
        ("labels", 5),
        ("colour", "GBR"),
        ("preprocessing", {"colour": "RGB"}),
        ("preprocessing", {"colour": "CMYK", "scale": 1.0, "pad_value": 114, "position": "centre"}),
        ("preprocessing", {"colour": "RGB", "scale": 0, "pad_value": 114, "position": "centre"}),
        ("preprocessing", {"colour": "RGB", "scale": 1.0, "pad_value": 256, "position": "centre"}),
        ("preprocessing", {"colour": "RGB", "scale": 1.0, "pad_value": 114, "position": "left"}),
        ("preprocessing", FEED | {"mean": [0.5, 0.5]}),
        ("preprocessing", FEED | {"deviation": [0.5, 0.5, 0]}),
        ("preprocessing", FEED | {"mean": "abc"}),
    ],
)
def test_a_wrong_field_is_an_error_that_names_the_file(tmp_path: Path, field: str, value: object) -> None:
    data = json.loads(SPEC.to_json()) | {field: value}
    (tmp_path / "model.json").write_text(json.dumps(data))
    with pytest.raises(SightlineError, match=r"model\.json"):
        load_spec(tmp_path)


@given(st.text(max_size=50))
def test_any_other_text_is_an_error(text: str) -> None:
    with pytest.raises(SightlineError):
        ModelSpec.from_json(text)


def test_a_missing_file_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(SightlineError, match="Cannot read"):
        load_spec(tmp_path)


def test_the_version_of_labels_depends_on_names_and_order_alone() -> None:
    assert labels_version(COCO_LABELS) == COCO_VERSION
    assert labels_version(["a", "b"]) == labels_version(("a", "b"))
    assert labels_version(["a", "b"]) != labels_version(["b", "a"])


def test_coco_has_its_80_names_in_order() -> None:
    assert len(COCO_LABELS) == 80
    assert (COCO_LABELS[0], COCO_LABELS[2], COCO_LABELS[7], COCO_LABELS[79]) == (
        "person",
        "car",
        "truck",
        "toothbrush",
    )
    assert read_labels("coco") == COCO_LABELS


@pytest.mark.parametrize("text", ["", "\n\n", "a\n\nb", "a\na", "x" * 65, "a\tb"])
def test_a_labels_file_with_unusable_names_is_an_error(tmp_path: Path, text: str) -> None:
    file = tmp_path / "labels.txt"
    file.write_text(text)
    with pytest.raises(SightlineError, match=r"labels\.txt"):
        read_labels(str(file))


def test_a_labels_file_that_cannot_be_read_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(SightlineError, match="Cannot read the labels file"):
        read_labels(str(tmp_path / "none.txt"))
    (tmp_path / "latin.txt").write_bytes(b"stra\xdfe\n")
    with pytest.raises(SightlineError, match="not UTF-8"):
        read_labels(str(tmp_path / "latin.txt"))


def test_coco_has_91_ids_of_which_80_have_a_class() -> None:
    labels = read_labels("coco-91")
    assert len(labels) == 91
    assert (labels[1], labels[3], labels[44], labels[90]) == ("person", "car", "bottle", "toothbrush")
    assert [label for label in labels if not label.startswith("unused")] == list(COCO_LABELS)


def test_a_spec_from_before_units_and_deviations_is_read_as_it_was_meant() -> None:
    data = json.loads(SPEC.to_json())
    del data["box_units"], data["scores"], data["preprocessing"]["mean"], data["preprocessing"]["deviation"]
    assert ModelSpec.from_json(json.dumps(data)) == SPEC
