"""Which source each stream of a gateway's state folder comes from, so that no two share a stream unseen.

Beside a stream's epoch lies `STREAM_ID.source`, with a line of JSON for each source that had the id so far:
its identity as `sightline.stream_names` makes it, without passwords.
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from sightline.errors import SightlineError
from sightline.stack.files import write_atomically

_SUFFIX: Final = ".source"


def read_known(state_dir: Path) -> Mapping[str, tuple[str, ...]]:
    """By stream id, the identities of the sources that had it; nothing if there is no such folder.

    Raises:
        SightlineError: The folder cannot be read.
    """
    try:
        files = sorted(state_dir.glob(f"*{_SUFFIX}")) if state_dir.is_dir() else []
        return {file.name.removesuffix(_SUFFIX): _read(file) for file in files}
    except OSError as error:
        raise SightlineError(
            f"The state folder {state_dir} cannot be read: {error.strerror}.", "Check its permissions."
        ) from error


def remember_source(state_dir: Path, stream_id: str, identity: str) -> str:
    """Note that the stream is captured from this source; raises OSError if that cannot be written.

    Returns:
        A sentence for people if it came from another source so far, else an empty string.
    """
    file = state_dir / f"{stream_id}{_SUFFIX}"
    known = _read(file) if file.exists() else ()
    if identity not in known:
        write_atomically(file, "".join(f"{json.dumps(each)}\n" for each in (*known, identity)))
    return moved(stream_id, identity, known)


def moved(stream_id: str, identity: str, known: Sequence[str]) -> str:
    """A sentence for people if a stream goes on with another source, else an empty string."""
    if not known or identity in known:
        return ""
    return f"The stream {stream_id} goes on with {identity}; so far it came from {known[-1]}."


def _read(file: Path) -> tuple[str, ...]:
    found = []
    for line in file.read_text(encoding="utf-8", errors="replace").splitlines():
        try:
            found.append(json.loads(line))
        except ValueError:
            continue  # cut off by a full disk: the source counts as new, at worst it gets a longer id
    return tuple(each for each in found if isinstance(each, str))
