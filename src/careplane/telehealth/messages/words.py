"""What people type, made fit to be stored: bounded, and without characters that FHIR refuses."""

from __future__ import annotations

import unicodedata

from careplane.kernel.errors import Invalid, Issue

LONGEST_TEXT = 10_000
LONGEST_TITLE = 200
MOST_FILES = 10
_BREAKS = "\n\t"


def said(text: str, where: str, longest: int = LONGEST_TEXT) -> str:
    """The text of a message. Raises Invalid for none, or one that is too long; `where` is the name
    of what was typed."""
    clean = _clean(text.replace("\r\n", "\n").replace("\r", "\n")).strip()
    if not clean:
        raise _wrong("Write something.", where)
    if len(clean) > longest:
        raise _wrong(f"Write {longest} characters at most; these are {len(clean)}.", where)
    return clean


def title(text: str, where: str) -> str:
    """As `said`, in one line."""
    return said(" ".join(text.split()), where, LONGEST_TITLE)


def _clean(text: str) -> str:
    return "".join(c for c in text if c in _BREAKS or unicodedata.category(c) not in ("Cc", "Cs"))


def _wrong(text: str, where: str) -> Invalid:
    return Invalid(text, issues=(Issue("error", "value", text, where),))
