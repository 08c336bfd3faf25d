"""The JSON in which the facts about a network are kept beside its file: a frozen dataclass and its format."""

import json
from dataclasses import asdict, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sightline.errors import SightlineError

if TYPE_CHECKING:
    from _typeshed import DataclassInstance


def spec_text(spec: "DataclassInstance", version: int) -> str:
    """Write a spec as JSON, the same text for the same spec."""
    return json.dumps({"format": version, **asdict(spec)}, indent=2) + "\n"


def spec_fields(text: str, kind: "type[DataclassInstance]", version: int) -> dict[str, Any]:
    """Read the fields that `spec_text` wrote; whether all are there, and right, is for the caller to check.

    Args:
        text: The JSON.
        kind: The spec's class.
        version: The format that is expected.

    Raises:
        ValueError: Not a JSON object, another format, or a field that the class does not have.
    """
    data = json.loads(text)
    if not isinstance(data, dict):
        raise ValueError("not an object")
    if data.pop("format", None) != version:
        raise ValueError(f"format is not {version}")
    unknown = set(data) - {field.name for field in fields(kind)}
    if unknown:
        raise ValueError(f"unknown field {sorted(unknown)[0]!r}")
    return data


def read_spec_file(file: Path, what: str, fix: str) -> str:
    """Read a spec's file.

    Args:
        file: Where it is.
        what: What it describes, for the error.
        fix: What to do if it cannot be read.

    Raises:
        SightlineError: It is missing or no text.
    """
    try:
        return file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise SightlineError(f"Cannot read {what} metadata {file}: {error}.", fix) from error
