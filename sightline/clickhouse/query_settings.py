"""What one query may use, and which settings may come with it. Pure."""

import re
from collections.abc import Mapping
from typing import Final

_NAME: Final = re.compile(r"[a-z][a-z0-9_]*")
_CLAUSE: Final = re.compile(r" SETTINGS (?P<pairs>[^()]+?)(?P<format> FORMAT \S+)?$")
_PAIR: Final = re.compile(r"(\w+) = ('[^']*'|[^\s,']+)(?:, |$)")
_FORMAT: Final = re.compile(r" FORMAT `?(\w+)`?$")
_STRING: Final = re.compile(r"'(?:[^'\\]|\\.|'')*'", re.DOTALL)
_ESCAPED: Final = re.compile(r"\\(.)|'(')", re.DOTALL)

CAPS: Final[Mapping[str, int]] = {
    "max_execution_time": 60,
    "max_memory_usage": 500_000_000,
    "max_result_rows": 10_000_000,
    "max_result_bytes": 200_000_000,
    "max_threads": 2,
}

OPEN: Final = frozenset(
    {
        "aggregate_functions_null_for_empty",
        "cast_keep_nullable",
        "cast_string_to_dynamic_use_inference",
        "date_time_input_format",
        "date_time_output_format",
        "distinct_overflow_mode",
        "empty_result_for_aggregation_by_empty_set",
        "extremes",
        "final",
        "group_by_overflow_mode",
        "join_algorithm",
        "join_use_nulls",
        "limit",
        "log_comment",
        "low_cardinality_allow_in_native_format",
        "max_block_size",
        "max_bytes_to_read",
        "max_rows_to_group_by",
        "max_rows_to_read",
        "offset",
        "prefer_column_name_to_alias",
        "read_overflow_mode",
        "result_overflow_mode",
        "session_timezone",
        "timeout_overflow_mode",
        "transform_null_in",
        "union_default_mode",
    }
)
"""Settings that a client may bring, beside the capped ones and those of output formats."""


def is_open(name: str) -> bool:
    """Whether a client may bring this setting."""
    if not _NAME.fullmatch(name):
        return False
    if name.startswith("output_format_"):
        return name != "output_format_schema"  # this one names a file to write
    return name in OPEN or name in CAPS


def settings_of(
    given: Mapping[str, str], caps: Mapping[str, int] = CAPS
) -> tuple[dict[str, str], str | None]:
    """The settings for a query from those given, and the first that is refused, if any."""
    found = {name: str(cap) for name, cap in caps.items()} | {"result_overflow_mode": "throw"}
    for name, value in given.items():
        if not is_open(name):
            return found, name
        found[name] = capped(name, value, caps)
    return found, None


def capped(name: str, value: str, caps: Mapping[str, int] = CAPS) -> str:
    """The value, or the cap of its setting where the value is higher, none, or no number."""
    cap = caps.get(name)
    if cap is None:
        return value
    try:
        wanted = float(value)
    except ValueError:
        return str(cap)
    return value if 0 < wanted <= cap else str(cap)


def without_strings(sql: str) -> str:
    """The SQL, as long as before, with dots for what is in its string literals."""
    return _STRING.sub(lambda match: f"'{'.' * (len(match[0]) - 2)}'", sql)


def split_settings(canonical: str) -> tuple[str, dict[str, str]]:
    """Take the SETTINGS at the end of a statement, before or behind its FORMAT, out of it.

    The engine refuses them on a connection that can change nothing; the caller can judge and set them before.

    Args:
        canonical: One statement, as the engine's parser writes it.

    Returns:
        The statement without them, and the settings. A clause that is no plain list of values stays.
    """
    settings: dict[str, str] = {}
    while match := _CLAUSE.search(masked := without_strings(canonical)):
        pairs = list(_PAIR.finditer(masked, match.start("pairs"), match.end("pairs")))
        if sum(len(pair[0]) for pair in pairs) != len(match["pairs"]):
            break
        for pair in pairs:
            value = canonical[slice(*pair.span(2))]
            if value.startswith("'"):
                value = _ESCAPED.sub(lambda found: found[1] or found[2], value[1:-1])
            settings.setdefault(pair[1], value)
        canonical = canonical[: match.start()] + (match["format"] or "")
    return canonical, settings


def named_format(canonical: str) -> str | None:
    """The output format that a statement, as the engine's parser writes it, names for itself."""
    match = _FORMAT.search(without_strings(split_settings(canonical)[0]))
    return match[1] if match else None
