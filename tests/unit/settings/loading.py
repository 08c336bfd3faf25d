"""Shorthands: a settings file with a text, and what is said about settings that are refused."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from sightline.errors import SightlineError
from sightline.settings_sources import load


def written(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "settings.toml"
    path.write_text(text, encoding="utf-8")
    return path


def refusal(
    environment: Mapping[str, str] | None = None,
    file: Path | None = None,
    overrides: Mapping[str, Any] | None = None,
) -> str:
    with pytest.raises(SightlineError) as caught:
        load(environment or {}, file=file, overrides=overrides)
    return caught.value.what
