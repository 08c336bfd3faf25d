"""The comparison with the truth for people."""

from collections.abc import Sequence
from typing import Final

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from sightline.pipeline.truth import TruthReport, confusions
from sightline.pipeline.truth_counts import LineCount

MAX_COUNT_ERROR: Final = 0.02
MIN_HOTA: Final = 65.0
MIN_LABEL_ACCURACY: Final = 0.95
"""What the default demo is to reach."""


def print_truth(console: Console, truth: TruthReport) -> None:
    """Print how near the answers are to the truth, and where they are not."""
    console.print(f"\n[bold]Against the truth[/], over {truth.frames} frames", highlight=False)
    console.print(_scores_table(truth))
    if truth.note:
        console.print(
            f"HOTA, MOTA and IDF1 are missing: {escape(truth.note)}", soft_wrap=True, highlight=False
        )
    if wrong := [each for each in truth.counts if each.counted != each.true]:
        console.print()
        console.print(_counts_table(wrong))
    for attribute, label, count in confusions(truth.objects):
        console.print(f"{count} {attribute} taken for {label}", markup=False, highlight=False)


def _scores_table(truth: TruthReport) -> Table:
    table = Table(header_style="bold", box=None, pad_edge=False)
    table.add_column("")
    table.add_column("measured", justify="right")
    table.add_column("goal", justify="right")
    table.add_column("")
    true = sum(each.true for each in truth.counts)
    error, accuracy, scores = truth.count_error, truth.label_accuracy, truth.scores
    table.add_row(
        "count error",
        _percent(error),
        f"<= {100 * MAX_COUNT_ERROR:.0f} %",
        _verdict(None if error is None else error <= MAX_COUNT_ERROR, f"{true} crossings of lines"),
    )
    hota = None if scores is None else scores.hota
    table.add_row(
        "HOTA",
        "-" if hota is None else f"{hota:.1f}",
        f">= {MIN_HOTA:.0f}",
        _verdict(None if hota is None else hota >= MIN_HOTA, ""),
    )
    if scores is not None:
        table.add_row("MOTA", f"{scores.mota:.1f}", "", f"{scores.id_switches} id switches")
        table.add_row("IDF1", f"{scores.idf1:.1f}", "", "")
    table.add_row(
        "label accuracy",
        _percent(accuracy),
        f">= {100 * MIN_LABEL_ACCURACY:.0f} %",
        _verdict(
            None if accuracy is None else accuracy >= MIN_LABEL_ACCURACY, f"{len(truth.objects)} objects"
        ),
    )
    return table


def _counts_table(counts: Sequence[LineCount]) -> Table:
    table = Table(header_style="bold", box=None, pad_edge=False)
    for column in ("stream", "line", "class"):
        table.add_column(column)
    for column in ("counted", "true"):
        table.add_column(column, justify="right")
    for each in counts:
        table.add_row(each.stream_id, each.place, each.kind, str(each.counted), str(each.true))
    return table


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{100 * share:.1f} %"


def _verdict(met: bool | None, of: str) -> str:
    word = "" if met is None else "met" if met else "missed"
    return ", ".join(part for part in (word, of) if part)
