"""Writes down what was measured, where FAULTS_REPORT names a file: one JSON object a line."""

import json
import os
import time
from pathlib import Path


class Report:
    """Collects measurements of this run."""

    def __init__(self) -> None:
        name = os.environ.get("FAULTS_REPORT")
        self._path = Path(name) if name else None

    def add(self, fault: str, times: int, **figures: object) -> None:
        """A fault was tried so many times and its check passed; `figures` are what was measured."""
        line = {
            "fault": fault,
            "times": times,
            "load_1min": os.getloadavg()[0],
            "at": int(time.time()),
        } | figures
        if self._path is not None:
            with self._path.open("a", encoding="utf-8") as file:
                file.write(json.dumps(line) + "\n")
