"""What one query may use, and which settings a client may bring. Pure."""

from collections.abc import Mapping
from typing import Final

MAX_BODY_BYTES: Final = 4 << 20
MAX_QUERIES: Final = 4
MAX_CONNECTIONS: Final = 64
QUEUE_TIMEOUT_S: Final = 10.0
IDLE_TIMEOUT_S: Final = 60.0

# A client can lower these.
CAPS: Final[Mapping[str, int]] = {
    "max_execution_time": 60,
    "max_memory_usage": 500_000_000,
    "max_result_rows": 10_000_000,
    "max_result_bytes": 200_000_000,
    "max_threads": 2,
}

# Consumed by the HTTP interface itself, or without a meaning here: there is no user, session or proxy.
TRANSPORT: Final = frozenset(
    {
        "add_http_cors_header",
        "buffer_size",
        "cancel_http_readonly_queries_on_client_close",
        "client_protocol_version",
        "close_session",
        "compress",
        "database",
        "decompress",
        "default_format",
        "enable_http_compression",
        "framing_output_format",
        "http_headers_progress_interval_ms",
        "http_zlib_compression_level",
        "network_compression_method",
        "network_zstd_compression_level",
        "password",
        "query",
        "query_id",
        "quota_key",
        "readonly",
        "role",
        "send_progress_in_http_headers",
        "session_check",
        "session_id",
        "session_timeout",
        "stacktrace",
        "user",
        "wait_end_of_query",
    }
)

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
"""Settings that a client may bring in the URL, beside the capped ones and those of output formats."""


def is_open(name: str) -> bool:
    """Whether a client may bring this setting."""
    if name.startswith("output_format_"):
        return name != "output_format_schema"  # this one names a file to write
    return name in OPEN or name in CAPS


def settings_of(parameters: Mapping[str, str]) -> tuple[dict[str, str], str | None]:
    """The settings for a query from the parameters of its URL, and the first that is refused, if any."""
    found = {name: str(cap) for name, cap in CAPS.items()} | {"result_overflow_mode": "throw"}
    for name, value in parameters.items():
        if name in TRANSPORT or name.startswith("param_"):
            continue
        if not is_open(name):
            return found, name
        found[name] = capped(name, value)
    return found, None


def capped(name: str, value: str) -> str:
    """The value, or the cap of its setting where the value is higher, none, or no number."""
    cap = CAPS.get(name)
    if cap is None:
        return value
    try:
        wanted = float(value)
    except ValueError:
        return str(cap)
    return value if 0 < wanted <= cap else str(cap)
