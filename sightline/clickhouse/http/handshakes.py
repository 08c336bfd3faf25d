"""Questions that client libraries ask when they connect, and what this port must say of itself. Pure."""

from collections.abc import Mapping
from typing import Final

from sightline.clickhouse.native import Block, block, numbers, string, texts
from sightline.clickhouse.query_settings import CAPS, OPEN

# clickhouse-connect asks which settings it may send. The engine, being read-only, would say none.
_SETTINGS: Final = "SELECT name, value, readonly FROM system.settings LIMIT 10000"

# clickhouse-go, and so Grafana's data source, asks in which revision of the Native format blocks will come.
_REVISION: Final = "SELECT displayName(), version(), revision(), timezone()"
_WITH_BLOCK_INFO: Final = 54_454
_BLOCK_INFO: Final = b"\x01\x00\x02\xff\xff\xff\xff\x00"  # is_overflows = 0, bucket_num = -1, end


def settings_statement(canonical: str) -> str | None:
    """What to run for the question after settings, so that it names those that this port takes."""
    if not canonical.startswith(_SETTINGS):
        return None
    taken = ", ".join(f"'{name}'" for name in sorted(OPEN | CAPS.keys()))
    is_taken = f"(name IN ({taken}) OR (name LIKE 'output\\_format\\_%' AND name != 'output_format_schema'))"
    return canonical.replace("readonly FROM", f"toUInt8(NOT {is_taken}) AS readonly FROM", 1)


def hello(canonical: str, parameters: Mapping[str, str], version: str, timezone: str) -> bytes | None:
    """The answer to the question after the revision: 0, as the engine in process writes no other.

    The answer itself is expected in the client's own revision.
    """
    try:
        revision = int(parameters.get("client_protocol_version", "0"))
    except ValueError:
        return None
    if canonical != _REVISION or revision < _WITH_BLOCK_INFO:
        return None
    made = block(
        (
            texts("displayName()", [string("sightline")], 1),
            texts("version()", [string(version)], 1),
            numbers("revision()", "UInt32", [0]),
            texts("timezone()", [string(timezone)], 1),
        )
    )
    return _BLOCK_INFO + _with_serialization_flags(made)


def _with_serialization_flags(made: Block) -> bytes:
    parts = [bytes((len(made.columns), made.rows))]
    for column in made.columns:
        parts += [string(column.name), string(column.type), b"\x00", column.data]
    return b"".join(parts)
