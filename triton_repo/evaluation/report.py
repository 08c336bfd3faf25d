"""An evaluation's report for people and for programs."""

import json
from dataclasses import asdict

from rich.table import Table

from triton_repo.evaluation.run import Report


def report_text(report: Report) -> str:
    """JSON with the fields of `Report`, shares rounded to four digits."""
    return json.dumps(_rounded(asdict(report)), indent=2)


def _rounded(value: object) -> object:
    if isinstance(value, dict):
        return {name: _rounded(part) for name, part in value.items()}
    return round(value, 4) if isinstance(value, float) else value


def report_table(report: Report) -> Table:
    """How well the detector finds, over all and in parts."""
    table = Table("", "mAP@50", "mAP@50:95", box=None, pad_edge=False)
    table.add_row("all", _share(report.map50), _share(report.map50_95))
    for part in (report.classes, report.lights, report.weathers):
        for name, precision in part.items():
            table.add_row(name, _share(precision["map50"]), _share(precision["map50_95"]))
    return table


def report_lines(report: Report) -> str:
    """What it was measured on, and how well objects are told apart."""
    return (
        f"{report.objects} objects in {report.pictures} pictures of {report.scenes} scenes, "
        f"seeds from {report.seed}\n"
        f"attributes right: {_share(report.attribute_accuracy)} in true boxes, "
        f"{_share(report.attribute_accuracy_detected)} in the detector's\n"
        f"same object nearer than a look-alike: {_share(report.reid_pairs)} "
        f"of {report.reid_comparisons} comparisons"
    )


def _share(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"
