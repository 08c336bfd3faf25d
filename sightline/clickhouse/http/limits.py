"""What the HTTP port takes at once, and which of a URL's parameters are its own. Pure."""

from typing import Final

MAX_BODY_BYTES: Final = 4 << 20
MAX_QUERIES: Final = 4
MAX_CONNECTIONS: Final = 64
QUEUE_TIMEOUT_S: Final = 10.0
IDLE_TIMEOUT_S: Final = 60.0

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
