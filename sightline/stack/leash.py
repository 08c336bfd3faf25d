"""Run a command that dies with its parent: `leash.py PARENT_PID SIGNAL COMMAND…`.

It asks Linux for a signal at the parent's death, then becomes the command by `exec`, so it costs one start
of a bare interpreter (about 20 ms) and no process. It is run by its path and imports nothing of ours.
"""

import ctypes
import os
import sys

_PR_SET_PDEATHSIG = 1


def main(arguments: list[str]) -> None:
    """Put this process on the leash and become the command; ends the process if the parent is gone."""
    parent_pid, signal_number, *command = arguments
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, int(signal_number), 0, 0, 0)
        # The parent may have died before the call above, and then no signal ever comes.
        if os.getppid() != int(parent_pid):
            sys.exit(1)
    try:
        os.execvp(command[0], command)  # noqa: S606 - to become the command is the purpose
    except OSError as error:
        sys.stderr.write(f"cannot run {command[0]}: {error.strerror}\n")
        sys.exit(127)


if __name__ == "__main__":
    main(sys.argv[1:])
