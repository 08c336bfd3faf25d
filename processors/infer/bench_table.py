"""The table that `sightline bench analyzer` prints."""

from collections.abc import Mapping
from typing import Any

from rich.console import Console
from rich.table import Table


def print_table(console: Console, result: Mapping[str, Any]) -> None:
    """Frames/s by batch (rows) and clients (columns), the loop first."""
    by_cell = {(cell["batch"], cell["clients"]): cell["frames_per_s"] for cell in result["triton"]}
    clients = sorted({column for _, column in by_cell})
    table = Table("frames a request", "plain loop", *(f"{count} clients" for count in clients))
    for row in result["loop"]:
        rates = [f"{by_cell[row['batch'], count]:.0f}" for count in clients]
        loop = max(row["before"]["frames_per_s"], row["after"]["frames_per_s"])
        table.add_row(str(row["batch"]), f"{loop:.0f}", *rates)
    console.print(table)
    best = result["best"]
    console.print(
        f"Best: {best['frames_per_s']:.0f} frames/s ({best['batch']} a request, {best['clients']} clients), "
        f"{result['ratio']:.2f} of the loop's best {result['best_loop_frames_per_s']:.0f}; "
        f"by processor time {result['cpu_ratio']:.2f}"
    )
