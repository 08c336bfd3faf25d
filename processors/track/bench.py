"""Compares the tracker with its peers: the same detections, one score, the same machine."""

import json
import re
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from sightline.errors import SightlineError

ADAPTER: Final = "tests.parity.sightline_mot"
PEERS_PYTHON: Final = Path(".venv-peers/bin/python")
TIMEOUT_S: Final = 1800.0
_LINE: Final = re.compile(r"^(?P<names>.*?)\s+(?P<scores>HOTA=.*)$")
_SUMMARY: Final = "---"
WEIGHTED: Final = ("HOTA", "MOTA", "IDF1", "us")
SUMMED: Final = ("IDSW", "wrong", "true")


def bench_tracker(
    data_dir: Path,
    peers: bool,
    *,
    runs: int = 1,
    root: Path | None = None,
    python: Path | None = None,
    script: Path | None = None,
) -> dict[str, Any]:
    """Run the comparison script over MOTChallenge folders and read what it prints.

    Args:
        data_dir: Folder with one folder per sequence: `gt.txt`, and `det-DETECTOR.txt` for each detector that
            ran on it. Where no sequence has such a file, detections are drawn from the ground truth.
        peers: Also run the peer trackers.
        runs: How often; of each time the least counts, which other work on the machine disturbs least.
        root: The clone's root, by default the working folder.
        python: Interpreter that has the peers and TrackEval, by default `.venv-peers` in the root.
        script: The comparison script, by default `measure/mot_real.py`, or `measure/mot_peers.py` for drawn
            detections, two folders above `data_dir`.

    Returns:
        `sequences`: sequence (and detector, for real detections), then tracker, then `HOTA`, `MOTA`, `IDF1`
        (percent), `IDSW` and `us` (microseconds per frame). `weighted`: the same per tracker over all
        sequences, weighted by boxes. For real detections also `groups`, weighted by boxes within each kind of
        data and detector, and `weighted` is the mean of the groups; `wrong` and `true` are crossings of
        random lines. `speed`: the fastest peer's time over ours, if peers ran. `runs`.

    Raises:
        SightlineError: Something that it needs is missing, or the script failed.
    """
    root = (root or Path.cwd()).resolve()
    python = python or root / PEERS_PYTHON
    real = any(data_dir.glob("*/det-*.txt"))
    name = "mot_real.py" if real else "mot_peers.py"
    script = script or data_dir.resolve().parents[1] / "measure" / name
    for path, what in ((data_dir, "data folder"), (script, "comparison script")):
        if not path.exists():
            raise SightlineError(f"The {what} {path} does not exist.", "Give the folder with the sequences.")
    if not python.exists():
        raise SightlineError(f"The peers' environment {python} does not exist.", "Run `make peers` first.")
    command = [str(python), str(script), str(data_dir.resolve()), "--ours", ADAPTER]
    command += [] if peers else ["--no-peers"]
    measured = _measure_real if real else _measure_drawn
    return fastest([measured(command, root) for _ in range(runs)])


def _measure_drawn(command: list[str], root: Path) -> dict[str, Any]:
    return parse(_run(command, root))


def _measure_real(command: list[str], root: Path) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder:
        result = Path(folder) / "cases.json"
        _run([*command, "--json", str(result)], root)
        return from_cases(json.loads(result.read_text()))


def _run(command: list[str], root: Path) -> str:
    try:
        done = subprocess.run(
            command, cwd=root, capture_output=True, text=True, timeout=TIMEOUT_S, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise SightlineError(f"The comparison took over {TIMEOUT_S:.0f} s.") from error
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["it said nothing"])[-1]
        raise SightlineError(f"The comparison failed: {last}", f"Run it by hand: {' '.join(command)}")
    return done.stdout


def fastest(results: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The results of one comparison, run several times, as one with the least times; see `bench_tracker`."""
    first = results[0]
    sequences = {
        name: _least([result["sequences"][name] for result in results]) for name in first["sequences"]
    }
    weighted = _least([result["weighted"] for result in results])
    peers_us = [scores["us"] for name, scores in weighted.items() if not name.startswith("ours")]
    speed = {"speed": min(peers_us) / weighted["ours"]["us"]} if peers_us and "ours" in weighted else {}
    groups = {"groups": first["groups"]} if "groups" in first else {}
    return {"sequences": sequences, **groups, "weighted": weighted, **speed, "runs": len(results)}


def _least(tables: Sequence[Mapping[str, Mapping[str, float]]]) -> dict[str, dict[str, float]]:
    return {
        tracker: {**scores, "us": min(table[tracker]["us"] for table in tables)}
        for tracker, scores in tables[0].items()
    }


def from_cases(cases: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """What the script for real detections wrote, as `bench_tracker` returns it."""
    sequences: dict[str, dict[str, dict[str, float]]] = {}
    members: dict[str, dict[str, list[Mapping[str, Any]]]] = {}
    for case in cases:
        scores = {name: float(case[name]) for name in (*WEIGHTED, *SUMMED)}
        sequences.setdefault(f"{case['seq']}/{case['det']}", {})[case["who"]] = scores
        members.setdefault(case["group"], {}).setdefault(case["who"], []).append(case)
    groups = {
        group: {who: _of_group(each) for who, each in trackers.items()} for group, trackers in members.items()
    }
    trackers = list(dict.fromkeys(case["who"] for case in cases))
    weighted = {
        who: {
            name: sum(group[who][name] for group in groups.values()) / len(groups)
            for name in (*WEIGHTED, "counts_wrong_percent")
        }
        for who in trackers
    }
    return {"sequences": sequences, "groups": groups, "weighted": weighted}


def _of_group(cases: Sequence[Mapping[str, Any]]) -> dict[str, float]:
    boxes = sum(case["boxes"] for case in cases)
    mean = {name: sum(case[name] * case["boxes"] for case in cases) / boxes for name in WEIGHTED}
    total = {name: float(sum(case[name] for case in cases)) for name in SUMMED}
    return {**mean, **total, "counts_wrong_percent": 100 * total["wrong"] / max(1.0, total["true"])}


def parse(printed: str) -> dict[str, Any]:
    """What the comparison script printed: `sequences` and `weighted` of `bench_tracker`."""
    sequences: dict[str, dict[str, dict[str, float]]] = {}
    weighted: dict[str, dict[str, float]] = {}
    summary = False
    for line in printed.splitlines():
        summary = summary or line.startswith(_SUMMARY)
        found = _LINE.match(line)
        if not found:
            continue
        scores = {name: float(value) for name, value in re.findall(r"(\w+)=(-?[\d.]+)", found["scores"])}
        names = found["names"].split()
        if summary:
            weighted[names[-1]] = scores
        else:
            sequences.setdefault(names[0], {})[names[-1]] = scores
    return {"sequences": sequences, "weighted": weighted}
