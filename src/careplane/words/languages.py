"""The languages that people are spoken to in: English is the source, the others have catalogues."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

DOMAIN = "careplane"
SOURCE = "en"
LOCALE = Path(__file__).with_name("locale")


@dataclass(frozen=True, slots=True)
class Language:
    """A language: what it calls itself, and which way its script runs."""

    code: str
    name: str
    direction: str = "ltr"


LANGUAGES: dict[str, Language] = {
    one.code: one
    for one in (
        Language("en", "English"),
        Language("es", "Español"),
        Language("de", "Deutsch"),
        Language("ar", "العربية", "rtl"),
    )
}

_RANGE = re.compile(
    r"\s*([A-Za-z]{1,8})(?:-[A-Za-z0-9-]{1,30})?\s*(?:;\s*q=(\d(?:\.\d{0,3})?))?\s*"
)


@cache
def spoken() -> tuple[Language, ...]:
    """Those whose catalogue is there, in the order in which they are offered."""
    found = {path.parts[-3] for path in LOCALE.glob(f"*/LC_MESSAGES/{DOMAIN}.mo")}
    return tuple(one for one in LANGUAGES.values() if one.code == SOURCE or one.code in found)


def known(code: str) -> str:
    """The language of a tag such as `es-CO` (BCP 47), if it is spoken; else empty."""
    code = code.partition("-")[0].strip().lower()
    return code if any(one.code == code for one in spoken()) else ""


def negotiate(accept: str) -> str:
    """The language for an Accept-Language header (RFC 9110, 12.5.4); else the source."""
    return asked(accept) or SOURCE


def asked(accept: str) -> str:
    """The first language of an Accept-Language header that is spoken; empty where none is."""
    wanted: list[tuple[float, str]] = []
    for part in accept[:500].split(","):
        found = _RANGE.fullmatch(part)
        if found and float(found[2] or 1) > 0:
            wanted.append((-float(found[2] or 1), found[1]))
    found_ones = (known(code) for _, code in sorted(wanted, key=lambda w: w[0]))
    return next(filter(None, found_ones), "")


def direction(code: str) -> str:
    """Which way the script of a language runs."""
    return LANGUAGES[code].direction if code in LANGUAGES else "ltr"
