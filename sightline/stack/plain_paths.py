"""Paths that every server takes, whatever the user's folders are called.

A server reads paths in files of another encoding, in lists with commas or colons, in commands for a shell,
and each breaks on other letters. So it works in a folder of its own and is told that folder by the kernel's
name for it, which is short and plain; what lies elsewhere is linked into it. Links are left where they are:
the next start puts its own in their place.
"""

import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Final

_KERNELS_NAME: Final = "/proc/self/cwd"
HERE: Final = _KERNELS_NAME if Path(_KERNELS_NAME).exists() else "."
"""The working folder, for a process and those that it starts in the same."""


def linked(folder: Path, name: str, target: Path) -> str:
    """Link `folder/name` to a path that exists, and return what a process that works in the folder calls it.

    Args:
        folder: The working folder.
        name: Plain letters.
        target: What to link to.

    Raises:
        OSError: The folder cannot be written.
    """
    link, real = folder / name, target.absolute()
    if not (link.is_symlink() and link.readlink() == real):
        new = folder / f".{name}.{uuid.uuid4().hex}"
        new.symlink_to(real)
        new.replace(link)
    return f"{HERE}/{name}"


def in_utf8(environ: Mapping[str, str]) -> dict[str, str]:
    """The environment in a locale that reads UTF-8 in a path as that, and translates no message."""
    return dict(environ) | {"LC_ALL": "C.UTF-8"}
