"""Languages of the pages: gettext catalogues beside the templates, English as the source.

A catalogue `locale/<language>/LC_MESSAGES/careplane.mo` makes a language available; nothing else
is to be done. `tools/messages.py` extracts and compiles.
"""

from __future__ import annotations

import re
from functools import cache
from gettext import NullTranslations, translation
from pathlib import Path

DOMAIN = "careplane"
SOURCE = "en"
LOCALE = Path(__file__).with_name("locale")
RIGHT_TO_LEFT = frozenset({"ar", "fa", "he", "ps", "ur"})

_RANGE = re.compile(
    r"\s*([A-Za-z]{1,8})(?:-[A-Za-z0-9-]{1,30})?\s*(?:;\s*q=(\d(?:\.\d{0,3})?))?\s*"
)


def mark(text: str) -> str:
    """The same text: tells the extractor that a template will translate it."""
    return text


@cache
def languages() -> frozenset[str]:
    """The languages that pages can be shown in."""
    found = {path.parts[-3] for path in LOCALE.glob(f"*/LC_MESSAGES/{DOMAIN}.mo")}
    return frozenset({SOURCE, *found})


def negotiate(accept: str) -> str:
    """The language for an Accept-Language header (RFC 9110, 12.5.4)."""
    wanted: list[tuple[float, str]] = []
    for part in accept[:500].split(","):
        found = _RANGE.fullmatch(part)
        if found and float(found[2] or 1) > 0:
            wanted.append((-float(found[2] or 1), found[1].lower()))
    available = (code for _, code in sorted(wanted, key=lambda w: w[0]) if code in languages())
    return next(available, SOURCE)


@cache
def translations(language: str) -> NullTranslations:
    """The catalogue of a language; the source needs none."""
    return translation(DOMAIN, LOCALE, [language], fallback=True)


def direction(language: str) -> str:
    """Which way its script runs."""
    return "rtl" if language in RIGHT_TO_LEFT else "ltr"
