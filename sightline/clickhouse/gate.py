"""Which statements may pass. Pure: it judges the text that the engine's own parser has written out again.

Judging that text, and running it in the place of the original, leaves no room for spellings that the gate and
the engine would read differently: comments, escapes in names, several statements in one.
"""

import re
from collections.abc import Container
from typing import Final

_FIRST_WORDS: Final = frozenset(
    {"SELECT", "WITH", "FROM", "SHOW", "DESCRIBE", "DESC", "EXPLAIN", "EXISTS", "VALUES"}
)
_STRING: Final = re.compile(r"'(?:[^'\\]|\\.|'')*'", re.DOTALL)
_QUOTED_NAME: Final = re.compile(r"`((?:[^`\\]|\\.|``)*)`|\"((?:[^\"\\]|\\.|\"\")*)\"", re.DOTALL)
_CALL: Final = re.compile(r"([A-Za-z_][A-Za-z0-9_]*)\s*\(")
_OUTFILE: Final = re.compile(r"\bINTO\s+OUTFILE\b", re.IGNORECASE)

HARMLESS_TABLE_FUNCTIONS: Final = frozenset(
    {
        "format",
        "generaterandom",
        "generate_series",
        "generateseries",
        "merge",
        "mergetreeindex",
        "null",
        "numbers",
        "numbers_mt",
        "primes",
        "values",
        "view",
        "zeros",
        "zeros_mt",
    }
)
"""Table functions that stay inside the tables; all others that the engine has are refused."""


def objection(canonical: str, refused_functions: Container[str]) -> str | None:
    """Why a statement may not run, or None if it may.

    Args:
        canonical: One statement, as the engine's parser writes it.
        refused_functions: Names in lower case of functions that reach outside the tables.
    """
    bare = _STRING.sub("''", canonical)
    words = bare.lstrip("( \n").split(None, 1)
    first = words[0].upper() if words else ""
    if first not in _FIRST_WORDS:
        return f"{first[:20] or 'An empty statement'} is not for reading"
    bare = _QUOTED_NAME.sub(lambda match: match[1] or match[2] or "", bare)
    if _OUTFILE.search(bare):
        return "INTO OUTFILE would write a file of the host"
    for name in _CALL.findall(bare):
        if name.lower() in refused_functions:
            return f"the function {name} reaches outside the tables"
    return None
