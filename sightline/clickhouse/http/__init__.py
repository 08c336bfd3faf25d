"""ClickHouse's HTTP protocol over the engine in this process, for reading only.

Enough of it that clickhouse-connect, curl and Grafana's data source work as with a server. The engine itself
refuses to write (`readonly=1`); what it would still do for a local user, such as reading the host's files, is
refused before it sees the query (`gate`).
"""

from sightline.clickhouse.http.port import HttpPort

__all__ = ["HttpPort"]
