"""What SQLite complains of, in the words of `kernel.errors`, with what to do about it."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager

from sqlcipher3 import dbapi2

from careplane.kernel.errors import Busy, CareplaneError, Fault, Full

_FULL = "The disk is full: nothing was stored; free some space and try again"
_WORDS: tuple[tuple[str, type[CareplaneError], str], ...] = (
    ("interrupted", Busy, "This search takes too long: narrow it"),
    ("locked", Busy, "Another process is writing to this data folder: try again"),
    ("full", Full, _FULL),
    ("no space left", Full, _FULL),
    ("disk i/o", Busy, "The disk refuses: nothing was stored; see whether it is full or broken"),
    ("readonly", Fault, "The data folder cannot be written to: look at its owner and permissions"),
    ("unable to open", Fault, "The data folder cannot be opened: look at its path and permissions"),
    (
        "not a database",
        Fault,
        "The key does not open this data folder: restore the key file that was made with it",
    ),
    ("out of memory", Busy, "No memory left for this: try again with a smaller request"),
    ("malformed", Fault, "The data folder is damaged: restore it from a backup"),
)


def translated(error: Exception) -> CareplaneError:
    """The error to raise instead."""
    words = str(error).lower()
    for sign, kind, text in _WORDS:
        if sign in words:
            return kind(text)
    return Fault("The record store failed")


@contextmanager
def complaints() -> Iterator[None]:
    """Turns SQLite's errors into ours."""
    try:
        yield
    except dbapi2.Error as error:
        raise translated(error) from error
    except OSError as error:
        if error.errno == errno.ENOSPC:
            raise translated(error) from error
        raise Fault("The data folder cannot be opened: look at its path and permissions") from error
