"""Ends Triton when the process of one of its Python models dies, so that it is started again."""

import os
import subprocess
from typing import Final

_GUARD: Final = """
read -r word
[ "$word" = unloaded ] && exit
read -r name < "/proc/$1/comm" && [ "$name" = tritonserver ] && kill -KILL "$1"
"""


class ServerGuard:
    """A shell that ends the server, this process's parent, if this process dies without `release`.

    Triton (seen in 2.51; server issue 8604) neither restarts a dead model process nor reports it: it says
    that the model is ready, and fails each request for ever. A server that ends is started again by whoever
    supervises it.
    """

    def __init__(self) -> None:
        self._shell = subprocess.Popen(
            ["/bin/sh", "-c", _GUARD, "sh", str(os.getppid())], stdin=subprocess.PIPE
        )

    def release(self) -> None:
        """End the guard; the model is unloaded in good order."""
        self._shell.communicate(b"unloaded\n")
