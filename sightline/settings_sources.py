"""Finds settings in the file, the environment and on the command line, and says what is wrong with them."""

import difflib
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from pydantic import BaseModel, ValidationError

from sightline.errors import SightlineError
from sightline.settings import Section, Settings, StreamSettings

PREFIX: Final = "SIGHTLINE_"
FILE_VARIABLE: Final = "SIGHTLINE_CONFIG"
DEFAULT_FILE: Final = "sightline.toml"


@dataclass(frozen=True)
class Explained:
    """One setting with its value and where the value came from."""

    key: str
    value: Any
    origin: str
    description: str


@dataclass(frozen=True)
class Loaded:
    """The settings, and for each key that was set, by whom."""

    settings: Settings
    origins: Mapping[str, str]


def load(
    environment: Mapping[str, str], *, file: Path | None = None, overrides: Mapping[str, Any] | None = None
) -> Loaded:
    """Load settings: the file, then the environment, then overrides, each over the one before.

    Args:
        environment: Such as `os.environ`; only names that begin with SIGHTLINE_ matter.
        file: A TOML file. Unset: the one that SIGHTLINE_CONFIG names, else `sightline.toml` if it is there.
        overrides: Values from the command line by `section.key`; None means not given.

    Raises:
        SightlineError: An unknown key, a wrong value, or a file that cannot be read; it names every one.
    """
    path = _settings_file(environment, file)
    origins: dict[str, str] = {}
    merged: dict[str, Any] = {}
    if path is not None:
        merged = _read(path)
        origins |= {key: str(path) for key in _flat(merged)}
    problems = []
    for name, text in environment.items():
        if not name.startswith(PREFIX) or name == FILE_VARIABLE:
            continue
        key = _variables().get(name)
        if key is None:
            problems.append(f"{name} in the environment is no setting.{_similar(name, _variables())}")
            continue
        _put(merged, key, text)
        origins[key] = name
    for key, value in (overrides or {}).items():
        if value is not None:
            _put(merged, key, value)
            origins[key] = "command line"
    return Loaded(_validate(merged, origins, problems), origins)


def explain(loaded: Loaded) -> list[Explained]:
    """Every setting with its value, its origin ("default" if nobody set it) and what it is for."""
    found = []
    for key, description in _declared():
        section, name = key.split(".")
        value = getattr(getattr(loaded.settings, section), name)
        found.append(Explained(key, value, loaded.origins.get(key, "default"), description))
    for stream_id, stream in loaded.settings.streams.items():
        key = f"streams.{stream_id}"
        found.append(Explained(key, stream.source, loaded.origins.get(f"{key}.source", "file"), "a camera"))
    return found


def variable(key: str) -> str:
    """Name of the environment variable for `section.key`."""
    return PREFIX + key.replace(".", "_").upper()


def environment_of(settings: Settings) -> dict[str, str]:
    """The variables that give a child process these settings (streams, which only a file has, left out)."""
    variables = {}
    for key, _ in _declared():
        section, name = key.split(".")
        value = getattr(getattr(settings, section), name)
        if value is not None:
            variables[variable(key)] = str(value)
    return variables


def _settings_file(environment: Mapping[str, str], file: Path | None) -> Path | None:
    if file is not None:
        return file
    if named := environment.get(FILE_VARIABLE):
        return Path(named)
    default = Path(DEFAULT_FILE)
    return default if default.exists() else None


def _read(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise SightlineError(
            f"The settings file {path} cannot be read: {error.strerror}.",
            "Check the path given with --config.",
        ) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SightlineError(
            f"The settings file {path} is not valid TOML: {error}.", "Mend that line."
        ) from error


def _declared() -> Iterator[tuple[str, str]]:
    for section, field in Settings.model_fields.items():
        if isinstance(field.annotation, type) and issubclass(field.annotation, Section):
            for name, inner in field.annotation.model_fields.items():
                yield f"{section}.{name}", inner.description or ""


def _variables() -> dict[str, str]:
    return {variable(key): key for key, _ in _declared()}


def _flat(tree: Mapping[str, Any], prefix: str = "") -> Iterator[str]:
    for name, value in tree.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{prefix}{name}.")
        else:
            yield prefix + name


def _put(tree: dict[str, Any], key: str, value: Any) -> None:
    *parents, name = key.split(".")
    for parent in parents:
        below = tree.setdefault(parent, {})
        if not isinstance(below, dict):
            raise SightlineError(f"The setting {parent} must be a table.", f"Write [{parent}] in the file.")
        tree = below
    tree[name] = value


def _validate(merged: dict[str, Any], origins: Mapping[str, str], problems: list[str]) -> Settings:
    try:
        settings = Settings.model_validate(merged)
    except ValidationError as error:
        problems = [*problems, *(_sentence(item, origins) for item in error.errors())]
    if problems:
        raise SightlineError("\n".join(problems), "`sightline config check` lists every setting.")
    return settings


def _sentence(item: Any, origins: Mapping[str, str]) -> str:
    key = ".".join(str(part) for part in item["loc"])
    where = next((origin for name, origin in origins.items() if (name + ".").startswith(key + ".")), "")
    place = f" (from {where})" if where else ""
    if item["type"] == "extra_forbidden":
        known = [name for name, _ in _declared()] + list(Settings.model_fields)
        if key.startswith("streams."):
            known = [f"{key.rpartition('.')[0]}.{name}" for name in StreamSettings.model_fields]
        return f"There is no setting {key}{place}.{_similar(key, known)}"
    if isinstance(item["input"], BaseModel | dict):
        return f"The setting {key}{place} is wrong: {item['msg'].lower()}."
    return (
        f"The setting {key} = {item['input']!r}{place} is wrong: {item['msg'][:1].lower()}{item['msg'][1:]}."
    )


def _similar(name: str, known: Any) -> str:
    close = difflib.get_close_matches(name, list(known), n=1, cutoff=0.6)
    return f" Did you mean {close[0]}?" if close else ""
