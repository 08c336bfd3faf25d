"""The command `sightline`. A command is a thin edge: it reads settings, calls one function, prints."""

import sys

from sightline.cli.app import run


def main() -> None:
    """Run the command line and exit."""
    sys.exit(run(sys.argv[1:]))
