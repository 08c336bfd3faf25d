"""Finds settings in the file, the environment and on the command line, and says what is wrong with them."""

import difflib
import json
import os
import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final

from pydantic import ValidationError

from schemas.fields import STREAM_ID_RULE
from sightline.addresses import ADDRESS_OF_SERVER, check_encoded, parse_address
from sightline.errors import SightlineError
from sightline.redaction import scrubbed, shown
from sightline.settings import Section, Settings, StreamSettings
from sightline.stream_names import check_apart, check_source

PREFIX: Final = "SIGHTLINE_"
FILE_VARIABLE: Final = "SIGHTLINE_CONFIG"
DEFAULT_FILE: Final = "sightline.toml"
STREAMS_VARIABLE: Final = "SIGHTLINE_STREAMS"
COMMAND_LINE: Final = "command line"
_MORE_THAN_HOST_AND_PORT: Final = re.compile("@|://(?!/)")  # gRPC knows dns:///host
_FIX: Final = "`sightline config check` lists every setting."


@dataclass(frozen=True)
class Explained:
    """One setting with its value, for people to read (no passwords), and where the value came from."""

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
        environment: Such as `os.environ`; only names that begin with SIGHTLINE_ matter, and an empty
            value counts as not set.
        file: A TOML file. Unset: the one that SIGHTLINE_CONFIG names, else `sightline.toml` if it is there.
        overrides: Values from the command line by `section.key`; None means not given.

    Raises:
        SightlineError: An unknown key, a wrong value, or a file that cannot be read; it names every one.
    """
    path = _settings_file(environment, file)
    origins: dict[str, str] = {}
    merged: dict[str, Any] = {}
    if path is not None:
        merged = _read(path, "the path given with --config" if file else f"the path in {FILE_VARIABLE}")
        origins |= {key: str(path) for key in _flat(merged)}
    problems = []
    for name, text in environment.items():
        if not name.startswith(PREFIX) or name == FILE_VARIABLE:
            continue
        if name == STREAMS_VARIABLE:
            origins |= dict.fromkeys(_put_streams(merged, text), name)
            continue
        key = _variables().get(name)
        if key is None:
            problems.append(_unknown_variable(name))
        elif text:
            _put(merged, key, text)
            origins[key] = name
    for key, value in (overrides or {}).items():
        if value is not None:
            _put(merged, key, value)
            origins[key] = COMMAND_LINE
    return Loaded(_validate(merged, origins, problems), origins)


def explain(loaded: Loaded) -> list[Explained]:
    """Every setting with its value, its origin ("default" if nobody set it) and what it is for."""
    found = []
    for key, description in _declared():
        section, name = key.split(".")
        value = getattr(getattr(loaded.settings, section), name)
        value = scrubbed(shown(value)) if isinstance(value, str) else value
        found.append(Explained(key, value, loaded.origins.get(key, "default"), description))
    for stream_id, stream in loaded.settings.streams.items():
        key = f"streams.{stream_id}"
        origin = _origin(f"{key}.source", loaded.origins)
        found.append(Explained(key, shown(stream.source), origin, "a camera"))
    return found


def variable(key: str) -> str:
    """Name of the environment variable for `section.key`."""
    return PREFIX + key.replace(".", "_").upper()


def environment_of(settings: Settings) -> dict[str, str]:
    """The variables that give a child process exactly these settings, whatever file lies where it starts."""
    variables = {FILE_VARIABLE: os.devnull}
    if settings.streams:
        streams = {name: stream.model_dump(exclude_none=True) for name, stream in settings.streams.items()}
        variables[STREAMS_VARIABLE] = json.dumps(streams)
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


def _read(path: Path, given: str) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise SightlineError(
            f"The settings file {shown(str(path))} cannot be read: {error.strerror}.",
            f"Check {given}.",
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
    section, _, rest = key.partition(".")
    # A stream id may hold dots, the names on both sides of it do not.
    parents = [section, rest.rpartition(".")[0]] if section == "streams" else key.split(".")[:-1]
    for parent in filter(None, parents if rest else []):
        below = tree.setdefault(parent, {})
        if not isinstance(below, dict):
            raise SightlineError(
                f"The setting {key} cannot be set: {parent} is {below!r:.40}, not a table.",
                f"Write [{section}] in the file.",
            )
        tree = below
    tree[key.rpartition(".")[2]] = value


def _put_streams(merged: dict[str, Any], text: str) -> list[str]:
    """Put the cameras of a JSON object such as {"gate": {"source": "rtsp://host/live"}}; the keys put."""
    try:
        streams = json.loads(text or "{}")
        pairs = [
            (f"streams.{name}.{key}", value) for name, of in streams.items() for key, value in of.items()
        ]
    except (ValueError, AttributeError) as error:
        raise SightlineError(
            f"{STREAMS_VARIABLE} in the environment is no JSON object of cameras.",
            'It looks like {"gate": {"source": "rtsp://host/live"}}.',
        ) from error
    for key, value in pairs:
        _put(merged, key, value)
    return [key for key, _ in pairs]


def _validate(merged: dict[str, Any], origins: Mapping[str, str], problems: list[str]) -> Settings:
    try:
        settings = Settings.model_validate(merged)
    except ValidationError as error:
        problems = [*problems, *(_sentence(item, origins) for item in error.errors())]
    if problems:
        raise SightlineError("\n".join(problems), _FIX)
    check_apart(settings.streams)
    _check_addresses(settings, origins)
    return settings


def _check_addresses(settings: Settings, origins: Mapping[str, str]) -> None:
    addresses = {f"streams.{name}.source": stream.source for name, stream in settings.streams.items()}
    checks = [(key, partial(check_source, source)) for key, source in addresses.items()]
    if (dsn := settings.clickhouse.dsn) is not None:
        checks.append(("clickhouse.dsn", partial(_check_dsn, dsn)))
    servers = {"kafka.bootstrap": settings.kafka.bootstrap, "triton.url": settings.triton.url}
    checks += [(key, partial(_check_host_and_port, text)) for key, text in servers.items() if text]
    for key, check in checks:
        try:
            check()
        except SightlineError as error:
            raise SightlineError(
                f"The setting {key}{_place(key, origins)} is wrong. {error.what}", error.fix
            ) from error


def _check_dsn(dsn: str) -> None:
    check_encoded(dsn, shown(dsn), of_server=True)
    address = parse_address(dsn)
    if address is None or not address.host:
        raise SightlineError(f"{shown(dsn)} is not an address.", ADDRESS_OF_SERVER)


def _check_host_and_port(text: str) -> None:
    if _MORE_THAN_HOST_AND_PORT.search(text):
        raise SightlineError(
            f"{shown(text)} is more than host:port.", "Neither http:// nor a user nor a password goes there."
        )


def _sentence(item: Any, origins: Mapping[str, str]) -> str:
    """What pydantic found, as a sentence with key, value and origin."""
    key = ".".join(str(part) for part in item["loc"] if part != "[key]")
    place = _place(key, origins)
    value = _quoted(item["input"])
    match item["type"]:
        case "extra_forbidden":
            return f"There is no setting {key}{place}.{_similar(key, _names_beside(item['loc']))}"
        case "missing":
            return f"The setting {key}{place} is missing: every camera needs one."
        case "model_type" | "dict_type":
            return f"The setting {key} = {value}{place} is wrong: it should be a table, [{key}]."
        case "path_type":
            return f"The setting {key} = {value}{place} is wrong: it should be a path, in quotes."
        case "string_pattern_mismatch" if item["loc"][-1] == "[key]":
            return f"{value}{place} is no stream id: use {STREAM_ID_RULE}."
    reason = item["msg"].removeprefix("Value error, ")
    reason = reason.replace("Input should", "it should").replace("String should", "it should")
    return f"The setting {key} = {value}{place} is wrong: {reason}."


def _quoted(value: Any) -> str:
    """The value as Python writes it, with the passwords in its addresses hidden."""
    return scrubbed(repr(_hidden(value)))


def _hidden(value: Any) -> Any:
    if isinstance(value, dict):
        return {_hidden(name): _hidden(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [_hidden(inner) for inner in value]
    return shown(value) if isinstance(value, str) else value


def _place(key: str, origins: Mapping[str, str]) -> str:
    """Where the setting's value came from, as a part of a sentence; empty for a default."""
    origin = _origin(key, origins)
    return "" if origin == "default" else f" (from {'the ' if origin == COMMAND_LINE else ''}{origin})"


def _origin(key: str, origins: Mapping[str, str]) -> str:
    """Who set the key, or else something below it, or else something around it."""
    if key in origins:
        return origins[key]
    below = (origin for name, origin in origins.items() if name.startswith(key + "."))
    parent = key.rpartition(".")[0]
    return next(below, "") or (_origin(parent, origins) if parent else "default")


def _names_beside(place: Sequence[int | str]) -> list[str]:
    if place[0] == "streams":
        return [f"{place[0]}.{place[1]}.{name}" for name in StreamSettings.model_fields]
    return [name for name, _ in _declared()] + list(Settings.model_fields)


def _unknown_variable(name: str) -> str:
    what = f"{name} in the environment is no setting."
    if name.startswith(PREFIX + "STREAMS"):
        return f"{what} Cameras are set in the file, as [streams.NAME], or as JSON in {STREAMS_VARIABLE}."
    return what + _similar(name, _variables())


def _similar(name: str, known: Iterable[str]) -> str:
    # Without what all the names share, which would make everything look alike.
    by_rest = {other.removeprefix(PREFIX): other for other in known}
    close = difflib.get_close_matches(name.removeprefix(PREFIX), by_rest, n=1, cutoff=0.6)
    return f" Did you mean {by_rest[close[0]]}?" if close else ""
