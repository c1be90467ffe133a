"""An error as a value that can travel between processes."""

from __future__ import annotations

from msgspec import Struct

from careplane.kernel import errors
from careplane.kernel.errors import CareplaneError, Issue


class Refusal(Struct, frozen=True, array_like=True):
    """An error of the tree in `kernel.errors`, by its name."""

    kind: str
    text: str
    issues: tuple[Issue, ...]


def refusal_of(error: CareplaneError) -> Refusal:
    """The error, to be sent."""
    return Refusal(type(error).__name__, error.text, error.issues)


def error_of(refusal: Refusal) -> CareplaneError:
    """The error, to be raised."""
    kind: type[CareplaneError] = getattr(errors, refusal.kind)
    return kind(refusal.text, issues=refusal.issues)
