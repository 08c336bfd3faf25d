"""What streams are called: which ids are legal, which a source gets, and what makes two sources the same."""

import hashlib
import os
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import PurePosixPath
from typing import Final
from urllib.parse import unquote

from schemas.fields import MAX_STREAM_ID_CHARS, STREAM_ID, STREAM_ID_RULE
from sightline.addresses import CAMERA_SCHEMES, check_encoded, parse_address
from sightline.errors import SightlineError
from sightline.redaction import HIDDEN, hidden_but_no_secret, shown, visible_path

_DIGEST_CHARS: Final = 8
_NAMELESS: Final = "stream"
# Letters that Unicode does not take apart, as their languages spell them without.
_SPELT: Final = str.maketrans(
    {"ß": "ss", "ẞ": "SS", "æ": "ae", "Æ": "AE", "œ": "oe", "Œ": "OE", "ø": "o", "Ø": "O", "ł": "l", "Ł": "L"}
    | {"đ": "d", "Đ": "D", "ð": "d", "Ð": "D", "þ": "th", "Þ": "Th", "ı": "i", "’": "'"}
)
_ENDING: Final = re.compile(r"(?<=.)\.[A-Za-z0-9]*[A-Za-z][A-Za-z0-9]*\Z", re.ASCII | re.S)


def check_stream_id(name: str) -> str:
    """Return the stream id as it is.

    Raises:
        SightlineError: It is none; suggests one.
    """
    if STREAM_ID.match(name):
        return name
    told = shown(name)
    would_be = derived_id(name) if parse_address(name) else slug(told if HIDDEN in told else name)
    raise SightlineError(f"{told!r:.80} is no stream id: use {STREAM_ID_RULE}.", f"{would_be} would be one.")


def check_source(source: str) -> None:
    """Refuse a source that nothing can be captured from, before anything is started.

    Raises:
        SightlineError: It is empty, is not UTF-8, or is an address of a kind that is not known or with a
            password that is not encoded.
    """
    if not source.strip():
        raise SightlineError("A source is empty.", "Give a video file, or an address such as rtsp://…")
    # OpenCV would end the process.
    if "\0" in source or any("\ud800" <= each <= "\udfff" for each in source):
        raise SightlineError(
            f"The name of the source {shown(source)} is not UTF-8.",
            "Give the file another name, or a link to it.",
        )
    scheme, separator, _ = source.partition("://")
    if separator and scheme.strip().lower() not in CAMERA_SCHEMES:
        raise SightlineError(
            f"The source {shown(source)} begins with {scheme}://, which is not known.",
            f"Give a file, synthetic:KIND or an address with {', '.join(CAMERA_SCHEMES)}.",
        )
    check_encoded(source, shown(source))


def check_apart(names: Iterable[str]) -> None:
    """Refuse ids that are equal or differ in case only: they name files, which not every disk tells apart.

    Raises:
        SightlineError: There are two; names them.
    """
    seen: dict[str, str] = {}
    for name in names:
        other = seen.get(name.casefold())
        seen[name.casefold()] = name
        if other == name:
            raise SightlineError(f"Two sources are to be the stream {name}.", "Give each an id of its own.")
        if other is not None:
            raise SightlineError(
                f"The streams {other} and {name} differ in nothing but capital letters, which not every disk "
                "and not every reader tells apart.",
                "Give one of them another id.",
            )


def identity_of(source: str) -> str:
    """What is the same for each way to write a source, and may be stored: it holds no password.

    A file is its path without links. An address loses its user, its password and the port that its scheme has
    anyway, so that a new password makes no new stream; what else is hidden of it counts by a short digest.
    """
    address = parse_address(source)
    if address is not None:
        port = f":{address.own_port}" if address.own_port else ""
        text = shown(f"{address.scheme}://{address.host.lower()}{port}{address.tail}")
        hidden = hidden_but_no_secret(address)
        return f"{text} {_digest(hidden)}" if hidden else text
    return source if is_synthetic(source) or "\0" in source else os.path.realpath(source)


def derived_id(source: str) -> str:
    """The id that a source gives by itself.

    A file's name without its ending; host, port and path of an address. Accents go (`Süd` is `Sud`), blanks
    and punctuation become "-". Where letters had to go or a name is too long, a digest of it keeps it apart.
    """
    address = parse_address(source)
    if address is not None:
        path = _ENDING.sub("", unquote(visible_path(address)).rstrip("/"))
        text = " ".join(filter(None, (address.host, address.own_port, path)))
        return _with_digest(slug(text), identity_of(source)) if hidden_but_no_secret(address) else slug(text)
    if is_synthetic(source):
        return slug(source.partition("?")[0])
    return slug(_ENDING.sub("", PurePosixPath(source.replace("\\", "/")).name))


def slug(text: str) -> str:
    """A legal stream id that is as near to a text as it can be; the same text gives the same."""
    text = unicodedata.normalize("NFC", text)
    plain = unicodedata.normalize("NFKD", text.translate(_SPELT))
    plain = "".join(each for each in plain if not unicodedata.combining(each))
    lost = any(not (each.isascii() or each.isspace() or _is_dash(each)) for each in plain)
    made = re.sub(r"[^A-Za-z0-9._]+", "-", plain).strip("-.")
    if made and not lost and len(made) <= MAX_STREAM_ID_CHARS:
        return made
    return _with_digest(made or _NAMELESS, text)


def name_sources(
    sources: Sequence[str], known: Mapping[str, Sequence[str]], taken: Iterable[str] = ()
) -> list[str]:
    """Give each source the id of its stream; the order of the sources does not matter.

    A source that is known keeps its id. A new one gets the id that it gives by itself or, if another source
    has or wants that, the same with a digest of what makes the source itself.

    Args:
        sources: Files, addresses and synthetic cameras.
        known: By stream id, the identities of the sources that had it so far.
        taken: Ids that were given by hand in the same breath.

    Raises:
        SightlineError: Two sources are the same.
    """
    identities = [identity_of(source) for source in sources]
    _check_different(sources, identities)
    own = [derived_id(source) for source in sources]
    had = [_known_id(identity, name, known) for identity, name in zip(identities, own, strict=True)]
    foreign = {name.casefold() for name in taken}
    wishes = Counter((old or name).casefold() for old, name in zip(had, own, strict=True))
    holders = Counter(old.casefold() for old in had if old is not None)
    held = {name.casefold() for name in known}
    names = []
    for identity, name, old in zip(identities, own, had, strict=True):
        key = (old or name).casefold()
        is_only = holders[key] == 1 if old else wishes[key] == 1 and key not in held
        names.append((old or name) if is_only and key not in foreign else _with_digest(name, identity))
    check_apart([*taken, *names])
    return names


def _known_id(identity: str, own: str, known: Mapping[str, Sequence[str]]) -> str | None:
    """The id under which a source was captured; of several its own, or else the first by name."""
    names = [name for name, identities in known.items() if identity in identities]
    return own if own in names else min(names, default=None)


def _check_different(sources: Sequence[str], identities: Sequence[str]) -> None:
    seen: dict[str, str] = {}
    for source, identity in zip(sources, identities, strict=True):
        if identity in seen:
            pair = {shown(seen[identity]), shown(source)}
            what = (
                f"{pair.pop()} is named twice"
                if len(pair) == 1
                else f"{' and '.join(sorted(pair))} are the same"
            )
            raise SightlineError(
                f"The source {what}, so one of them would be counted twice.",
                "Leave one out, or name the second one with --stream NAME=SOURCE.",
            )
        seen[identity] = source


def _with_digest(name: str, text: str) -> str:
    head = name[: MAX_STREAM_ID_CHARS - _DIGEST_CHARS - 1].rstrip("-.")
    return f"{head}-{_digest(text)}"


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:_DIGEST_CHARS]


def _is_dash(each: str) -> bool:
    return unicodedata.category(each)[0] in "PZ"


def is_synthetic(source: str) -> bool:
    """Whether the source is drawn here."""
    return source.startswith("synthetic:")
