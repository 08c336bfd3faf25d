"""Asks TrackEval for scores. It brings an OpenCV of its own, so it lives in an environment in the cache.

The environment is made once from `scorer.lock`: TrackEval, NumPy and SciPy, each with its digests and without
what they ask for besides, which the metrics do not use. `uv pip compile --universal --python-version 3.11
--generate-hashes --no-emit-index-url --no-annotate --no-header` makes such a lock, from the lines
`trackeval==1.3.0`, `numpy` and `scipy`.
"""

import hashlib
import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from importlib.resources import as_file, files
from pathlib import Path
from typing import Any, Final

from sightline.errors import SightlineError
from sightline.stack.cache import Progress, install_once, silent
from sightline.stack.pip import install_locked, make_environment

LOCK: Final = "scorer.lock"
SCRIPT: Final = "score.py"
TIMEOUT_S: Final = 600
_FIX: Final = "Check the network and pip's settings. It is needed once, and only for HOTA, MOTA and IDF1."

Row = Sequence[float]
"""A box: number of its frame from 0, id, x1, y1, x2, y2."""


@dataclass(frozen=True)
class Scene:
    """A sequence of frames with its truth and its tracks.

    Attributes:
        frames: How many frames there are, also empty ones.
        truth: The true boxes.
        tracks: The boxes of the tracks.
    """

    frames: int
    truth: Sequence[Row]
    tracks: Sequence[Row]


@dataclass(frozen=True)
class Scores:
    """TrackEval's scores of tracks.

    Attributes:
        hota: Higher order tracking accuracy, percent (Luiten et al., IJCV 2021).
        deta: Its part for detection, percent.
        assa: Its part for association, percent.
        mota: Multiple object tracking accuracy, percent; can be below zero (CLEAR MOT).
        idf1: Identification F1, percent.
        id_switches: How often a true object changed its track.
        false_positives: Boxes of tracks that are no object.
        false_negatives: True boxes without a track.
    """

    hota: float
    deta: float
    assa: float
    mota: float
    idf1: float
    id_switches: int
    false_positives: int
    false_negatives: int


def install_scorer(cache: Path, progress: Progress = silent) -> Path:
    """Return the interpreter of the scorer's environment in the cache, installed the first time.

    Raises:
        SightlineError: It cannot be installed, such as without a network.
    """
    lock = files("sightline.scoring").joinpath(LOCK)
    base = Path(getattr(sys, "_base_executable", None) or sys.executable)

    def build(folder: Path) -> None:
        progress("Installing TrackEval, which scores tracks (50 MB, once)")
        with as_file(lock) as path:
            install_locked(make_environment(base, folder), path, "TrackEval, the scorer of tracks", fix=_FIX)

    # The interpreter's path is in the key, because the environment links to it.
    key = hashlib.sha256(lock.read_bytes() + f"\0{base} {sys.version_info[:2]}".encode()).hexdigest()
    return install_once(cache, "scorer", key, build, progress) / "bin" / "python3"


def score(python: Path, sequences: Mapping[str, Scene]) -> tuple[Scores, Mapping[str, Scores]]:
    """Score tracks.

    Args:
        python: The interpreter of `install_scorer`.
        sequences: At least one, by name.

    Returns:
        The scores of all sequences together, each box with the same weight, and those of each.

    Raises:
        SightlineError: The scorer failed.
    """
    asked = json.dumps({name: asdict(each) for name, each in sequences.items()})
    with as_file(files("sightline.scoring").joinpath(SCRIPT)) as script:
        try:
            done = subprocess.run(
                [str(python), "-I", str(script)],
                input=asked,
                capture_output=True,
                text=True,
                timeout=TIMEOUT_S,
                check=True,
            )
            answer = json.loads(done.stdout)
        except (OSError, ValueError, subprocess.SubprocessError) as error:
            said = (getattr(error, "stderr", "") or "").strip().splitlines()[-1:]
            raise SightlineError(
                f"The scorer of tracks failed: {' '.join([str(error), *said])[:1000]}",
                f"Remove {python.parents[1]} to have it installed again.",
            ) from error
    return _scores(answer["combined"]), {name: _scores(one) for name, one in answer["sequences"].items()}


def _scores(found: Mapping[str, Any]) -> Scores:
    return Scores(
        hota=found["HOTA"],
        deta=found["DetA"],
        assa=found["AssA"],
        mota=found["MOTA"],
        idf1=found["IDF1"],
        id_switches=found["IDSW"],
        false_positives=found["FP"],
        false_negatives=found["FN"],
    )
