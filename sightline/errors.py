"""The one error that users see: what went wrong, and what to do about it."""


class SightlineError(Exception):
    """A problem that the user can act on; commands print it as two lines and exit with 1.

    Args:
        what: One sentence that says what is wrong and where.
        fix: One sentence that says what to do, or an empty string if there is nothing to add.
    """

    def __init__(self, what: str, fix: str = "") -> None:
        super().__init__(what, fix)
        self.what = what
        self.fix = fix

    def __str__(self) -> str:
        return f"{self.what} {self.fix}".strip()
