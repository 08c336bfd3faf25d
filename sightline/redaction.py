"""What may be shown of an address, and of any text that may hold one: everything but who may use it.

The one place that hides passwords. In an address the user and password before the host are hidden, and in
path, query and fragment every value whose name speaks of access or is not known to be harmless:

- `rtsp://user:password@host:554/cam?channel=1` is `rtsp://***@host:554/cam?channel=1`
- `http://host/flv?port=1935&user=u&password=p` is `http://host/flv?port=1935&user=***&password=***`
- `rtsp://host/user=u_password=p_channel=1.sdp` is `rtsp://host/user=***_password=***_channel=1.sdp`
"""

import logging
import re
import traceback
from types import TracebackType
from typing import Final
from urllib.parse import unquote

from sightline.addresses import Address, parse_address

HIDDEN: Final = "***"

_LEAST_SECRET_CHARS: Final = 4

_SECRET: Final = re.compile(
    r".*(pass|pwd|psw|secret|token|key|auth|sig|cred|session|user|usr|login|jwt|otp|bearer|hash|digest|hmac"
    r"|hdn|md5|sha|nonce|ticket|account|policy).*|pw?|pin|u(id)?|s(id|t)|code|access|response"
)
_SECRET_WORD: Final = re.compile(
    r"user(name)?|usr|login|pass(word|wd|wort)?|pwd|psw|pw|token|secret|auth|(api)?key|cred(ential)?s?|sig(nature)?"
)
_PASSWORD: Final = re.compile("pass|pwd|psw|pw|secret|token|cred|sig")
_MADE: Final = re.compile(r".*(token|key|auth|sig|session|jwt|bearer|hash|ticket).*")
"""What machines make: it holds no slash."""
_HARMLESS: Final = re.compile(
    r"(ch(an(nel)?|n)?|cam(era)?|(real)?stream|sub|main|type|prof(ile)?|proto(col)?|unicast|multicast|transport"
    r"|track|(video|audio)(codec)?|res(olution)?|width|height|size|(bit|frame)?rate|f(ps|rame)|quality|codec"
    r"|f(or)?m(a)?t|id|index|no|num(ber)?|speed|mode|tcp|udp|live|media|input|dev(ice)?|view|port|app|name"
    r"|(start|end|begin)?time|start|end|begin|date|duration|interval|overlay|rotation|seq|secure|verify"
    r"|compress|timeout|db|database|real)(id|no|num|name|type|mode|s)?\d*"
)
_SHORT: Final = re.compile(r"\d{0,3}|true|false|yes|no|on|off", re.I | re.ASCII)
_PIECE: Final = re.compile(r"([/?#&;,]*)([^/?#&;,]*)")
_BESIDE: Final = re.compile(r"_(?=[A-Za-z]+=)")
_IN_TEXT: Final = re.compile(
    # An address ends at a blank, unless its user and password go on behind it.
    r"[A-Za-z][A-Za-z0-9+.-]{0,30}://(?:[^\s/?#:]*:(?!\d+\b)(?:(?!://)[^\n@])*@)?[^\s\"'<>|]*"
)
_NAMED_IN_TEXT: Final = re.compile(
    r"((?:pass(?:word|wd|wort)?|pwd|secret|token|api_?key|credentials?)[\"']?\s*[=:]\s*[\"']?)[^\s&;,\"'*]+",
    re.I,
)
_NO_SCHEME: Final = re.compile(r"\A(\s*(?:[A-Za-z][A-Za-z0-9+.-]*(?::/|//))?+)[^@]*:.*@", re.S)


def shown(source: str) -> str:
    """The source of a stream, or another address, as it may be shown and stored.

    A text without `://` is taken for a file and stays as it is, unless it looks like an address that was
    misspelt.
    """
    address = parse_address(source)
    if address is not None:
        return _printable(_shown(address))
    if ":" in source and "@" in source:
        source = _NO_SCHEME.sub(rf"\1{HIDDEN}@", source, count=1)
    return _printable(_NAMED_IN_TEXT.sub(rf"\1{HIDDEN}", source) if "=" in source else source)


def scrubbed(text: str, *sources: str) -> str:
    """Any text, such as an error of a library, with each address in it as it may be shown.

    Args:
        text: The text.
        sources: Addresses that may be in it, or their secrets alone. Without them an address with a blank
            is not found, nor a password that a library quotes.
    """
    for source in filter(None, sources):
        text = text.replace(source, shown(source))
        for secret in _secrets(source):
            text = text.replace(secret, HIDDEN)
    if "://" in text:
        text = _IN_TEXT.sub(lambda found: _shown_in_text(found[0]), text)
    return _NAMED_IN_TEXT.sub(rf"\1{HIDDEN}", text)


def visible_path(address: Address) -> str:
    """Path, query and fragment without what is hidden and without the names of what is hidden."""
    return re.sub(r"[A-Za-z0-9.-]*[=_]?" + re.escape(HIDDEN), "", _Tail(address.tail).text)


def hidden_but_no_secret(address: Address) -> str:
    """What is hidden of an address although its name does not speak of access; not to be shown or stored.

    It may be all that tells two streams of one camera from each other: values of unknown names, and parts of
    a path that look drawn by lot.
    """
    return "\n".join(_Tail(address.tail).unknown)


class ScrubbingFormatter(logging.Formatter):
    """Formats log records, tracebacks included, without the passwords in addresses."""

    def format(self, record: logging.LogRecord) -> str:
        """The line."""
        return scrubbed(super().format(record))


def scrubbed_traceback(
    kind: type[BaseException], error: BaseException | None, trace: TracebackType | None
) -> str:
    """A traceback as Python prints it, without the passwords in addresses."""
    return scrubbed("".join(traceback.format_exception(kind, error, trace)))


def _secrets(source: str) -> list[str]:
    """What is hidden of an address because it gives access, as it is written and as it is meant."""
    address = parse_address(source)
    if address is None:
        return []
    found = [address.userinfo or "", (address.userinfo or "").partition(":")[2], *_Tail(address.tail).secrets]
    ways = {way for secret in found for way in (secret, unquote(secret))}
    # A shorter one would be found in words that have nothing to do with it.
    return sorted((way for way in ways if len(way) >= _LEAST_SECRET_CHARS), key=len, reverse=True)


def _shown(address: Address) -> str:
    user = "" if address.userinfo is None else f"{HIDDEN}@" if address.host else HIDDEN
    port = f":{address.port}" if address.port else ""
    return f"{address.scheme}://{user}{address.host}{port}{_Tail(address.tail).text}"


def _shown_in_text(found: str) -> str:
    address = found.rstrip(":;,.!)")  # the sentence's own
    return shown(address) + found[len(address) :]


def _printable(text: str) -> str:
    return "".join(each if each.isprintable() else "\ufffd" for each in text)


class _Tail:
    """Path, query and fragment, gone through piece by piece.

    Attributes:
        text: As it may be shown.
        secrets: Values that are hidden because their names speak of access.
        unknown: What is hidden only because nobody knows what it is.
    """

    def __init__(self, tail: str) -> None:
        # An encoded "=" hides a name from us, but from no server.
        tail = unquote(tail) if "%3d" in tail.lower() else tail
        self.secrets: list[str] = []
        self.unknown: list[str] = []
        self._hides = False  # inside a secret, which may hold separators
        self._ends_at_slash = False  # and this one ends with its part of the path
        self._hides_next = ""  # the name of what the next part of the path is
        self._in_query = False
        self._in_pair = False  # inside user:password, which ends with its part of the path
        self.text = "".join(self._piece(separator, piece) for separator, piece in _PIECE.findall(tail))

    def _piece(self, separator: str, piece: str) -> str:
        self._in_pair = self._in_pair and not set("/?#") & set(separator)
        if self._in_pair:
            return self._more(separator, piece)
        self._in_query = self._in_query or bool(set("?#") & set(separator))
        if self._ends_at_slash and not self._in_query and "/" in separator:
            self._hides = self._ends_at_slash = False
        if "=" not in piece:
            return self._bare(separator, piece)
        # user=u_password=p_channel=1 is three; access_token=t is one.
        name, _, rest = ("", "", piece) if self._hides else piece.partition("=")
        first, *others = _BESIDE.split(rest)
        parts = [f"{name}={first}" if name else first, *others]
        return "".join(self._part("_" if number else separator, part) for number, part in enumerate(parts))

    def _part(self, separator: str, part: str) -> str:
        return (self._named if "=" in part else self._bare)(separator, part)

    def _named(self, separator: str, part: str) -> str:
        name, _, value = part.partition("=")
        if _is_secret(name):
            self._hides = True
            self._ends_at_slash = _MADE.fullmatch(_plain(name)) is not None
            self.secrets.append(value)
            return f"{separator}{name}={HIDDEN}"
        if _is_harmless(name) and not _is_suspect(value):
            self._hides = False
            return separator + part
        if self._hides:
            return self._more(separator, part)
        if _SHORT.fullmatch(value) and value:
            return separator + part
        self.unknown.append(part)
        is_name = bool(value.strip("=")) and not _is_suspect(name)  # a token may end in "=", too
        return f"{separator}{name}={HIDDEN}" if is_name else separator + HIDDEN

    def _bare(self, separator: str, piece: str) -> str:
        if self._hides:
            return self._more(separator, piece)
        if not piece:
            return separator
        if not self._in_query:
            return separator + self._segment(piece)
        if _is_harmless(piece) or _SHORT.fullmatch(piece):
            return separator + piece
        self.unknown.append(piece)
        return separator + HIDDEN

    def _segment(self, segment: str) -> str:
        """A part of the path. Names and values may stand side by side: `user_u_password_p`, `user/u`."""
        if self._hides_next:
            return self._value_of(self._hides_next, segment)
        _, colon, behind = unquote(segment).partition(":")
        if colon:  # user:password, an address inside the address, or the number of a channel
            (self.unknown if behind.isdigit() and _SHORT.fullmatch(behind) else self.secrets).append(segment)
            self._in_pair = True
            return HIDDEN
        kept: list[str] = []
        named, hides = "", False
        for word, dash in re.findall(r"([^_-]*)([_-]?)", segment):
            if named:  # a value, whatever it looks like
                kept.append(self._value_of(named, word) + dash)
                named, hides = "", True
            elif _SECRET_WORD.fullmatch(word.lower()):
                kept.append(word + dash)
                named, self._hides_next = (word, "") if dash else ("", word)
            elif hides and not _is_harmless(word):
                continue
            elif _is_drawn_in(word):
                self.unknown.append(word)
                kept.append(HIDDEN + dash)
            else:
                kept.append(word + dash)
                hides = False
        self._hides = hides
        self._ends_at_slash = hides
        return "".join(kept)

    def _more(self, separator: str, part: str) -> str:
        if self.secrets:
            self.secrets[-1] += separator + part
        return ""

    def _value_of(self, name: str, value: str) -> str:
        # "user" and the like may also be just a folder, and then what follows tells streams apart.
        (self.secrets if _PASSWORD.match(name.lower()) else self.unknown).append(value)
        self._hides_next = ""
        return HIDDEN


def _is_secret(name: str) -> bool:
    return _SECRET.fullmatch(_plain(name)) is not None


def _is_harmless(name: str) -> bool:
    return not _is_secret(name) and _HARMLESS.fullmatch(_plain(name)) is not None


def _plain(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", unquote(name).lower())


def _is_suspect(value: str) -> bool:
    """Whether a value may be user:password, an address inside the address, or a token drawn by lot."""
    return any(each in unquote(value) for each in ":@") or _is_drawn_in(value)


def _is_drawn_in(value: str) -> bool:
    return any(map(_is_drawn, re.split(r"[^A-Za-z0-9+]", unquote(value))))


def _is_drawn(word: str) -> bool:
    """Whether small letters, capitals and digits change so often as in no name of a person's making."""
    changes = len(re.findall(r"(?<=[a-z])[A-Z0-9]|(?<=[A-Z])[0-9]|(?<=[0-9])[A-Za-z]", word))
    return len(word) >= 12 and changes >= 5 and len(word) <= 3.5 * changes
