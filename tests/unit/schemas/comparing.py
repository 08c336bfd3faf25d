"""Messages hold arrays, so `==` does not compare them; this does, with dtypes and shapes."""

import dataclasses
from typing import Any

import numpy as np


def differences(left: Any, right: Any) -> list[str]:
    """Names of the fields in which two messages differ; a difference in type, dtype or shape counts."""
    if type(left) is not type(right):
        return [f"{type(left).__name__} is not {type(right).__name__}"]
    return [
        field.name
        for field in dataclasses.fields(left)
        if not _same(getattr(left, field.name), getattr(right, field.name))
    ]


def _same(left: Any, right: Any) -> bool:
    if isinstance(left, np.ndarray):
        return (
            isinstance(right, np.ndarray)
            and left.dtype == right.dtype
            and left.shape == right.shape
            and left.tobytes() == right.tobytes()
        )
    return type(left) is type(right) and bool(left == right)
