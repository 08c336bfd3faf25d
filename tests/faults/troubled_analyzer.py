"""The analyzer in trouble, for Triton's Python backend; the whole one is `analyzer.py` beside this file.

A JPEG with the comment `trouble:memory` needs more memory than there is, one with `trouble:death` kills the
process that looks at it. Where a file `slow_s` lies beside this one, each batch takes as many seconds longer.
"""

import os
import signal
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))
import analyzer  # noqa: E402


class TritonPythonModel(analyzer.TritonPythonModel):
    def initialize(self, args: Mapping[str, str]) -> None:
        super().initialize(args)
        answer = self._served.answer

        def troubled(jpegs: Sequence[bytes], *rest: Any) -> Any:
            slow = HERE / "slow_s"
            if slow.exists():
                time.sleep(float(slow.read_text()))
            if any(b"trouble:memory" in jpeg for jpeg in jpegs):
                bytearray(1 << 50)
            if any(b"trouble:death" in jpeg for jpeg in jpegs):
                os.kill(os.getpid(), signal.SIGKILL)
            return answer(jpegs, *rest)

        self._served.answer = troubled
