"""How `sightline status` shows a running system."""

import json
import time
from dataclasses import asdict
from typing import Final

from clickhouse_connect.driver.exceptions import ClickHouseError
from rich.console import Console
from rich.table import Table

from sightline.pipeline.progress import (
    progress_table,
    read_messages,
    read_sample,
    with_frames_behind,
)
from sightline.pipeline.tables import connect_tables, query_of
from sightline.redaction import scrubbed
from sightline.settings import Settings
from sightline.stack.datadir import StackState

SAMPLE_S: Final = 1.0
RECENT_S: Final = 60.0


def status_json(state: StackState | None) -> str:
    """The document of `sightline status --json`; without stages if nothing runs."""
    return json.dumps({"stages": []} if state is None else asdict(state), indent=2)


def print_status(console: Console, settings: Settings, state: StackState) -> None:
    """Print the processes, where the servers answer, and the flow of each stream over one second."""
    table = Table(header_style="bold", box=None, pad_edge=False)
    for column in ("process", "pid", "state", "restarts"):
        table.add_column(column)
    for stage in state.stages:
        table.add_row(stage.name, str(stage.pid), stage.state, str(stage.restarts))
    console.print(table)
    console.print(f"\nKafka at {state.kafka.get('bootstrap')}", highlight=False)
    if state.triton:
        console.print(f"Triton at {state.triton['url']}", highlight=False)
    port = int(state.clickhouse.get("http_port", 0))
    if port:
        console.print(f"ClickHouse at http://127.0.0.1:{port}, read only", highlight=False)
    try:
        _print_flow(console, settings, port)
    except (ClickHouseError, OSError) as error:
        console.print(
            scrubbed(f"The tables do not answer: {error}"), markup=False, highlight=False, soft_wrap=True
        )


def _print_flow(console: Console, settings: Settings, port: int) -> None:
    query = query_of(connect_tables(settings.clickhouse, port))
    recent_ns = time.time_ns() - int(RECENT_S * 1e9)
    before = read_sample(query, recent_ns, recent_ns, time.monotonic())
    time.sleep(SAMPLE_S)
    after = read_sample(query, recent_ns, recent_ns, time.monotonic())
    after = with_frames_behind(query, after, recent_ns)
    if after.streams:
        console.print()
        console.print(progress_table(before, after, "Streams of the last minute"))
    else:
        console.print("No stream was seen in the last minute.")
    for line in read_messages(query, recent_ns):
        console.print(line, markup=False, highlight=False, soft_wrap=True)
