"""Makes one error of all that a machine lacks."""

from collections.abc import Iterable

from sightline.errors import SightlineError
from sightline.stack.machine import Finding, Verdict, told


def demand(findings: Iterable[Finding]) -> None:
    """Go on only if nothing is missing.

    Raises:
        SightlineError: Something is; the message names everything at once, with what to do about each.
    """
    lacks = [finding for finding in findings if finding.verdict is Verdict.BAD]
    if len(lacks) == 1:
        raise SightlineError(lacks[0].said, lacks[0].fix)
    if lacks:
        raise SightlineError(told(lacks))
