"""Sentences in the language of the audience: gettext catalogues, English as the source.

A catalogue is `locale/<language>/LC_MESSAGES/careplane.mo`; `tools/messages.py` extracts, and
the build compiles. Placeholders are named: `_("%(count)s results", count=3)`.
"""

from __future__ import annotations

from functools import cache
from gettext import NullTranslations, translation
from typing import Any

from careplane.words.audience import audience
from careplane.words.languages import DOMAIN, LOCALE


def mark(text: str) -> str:
    """The same text: tells the extractor that it is said later, by `gettext`."""
    return text


def gettext(text: str, **values: Any) -> str:
    """A sentence, said now; nothing is said for nothing."""
    said = translations(audience().language).gettext(text) if text else ""
    return said % values if values else said


def ngettext(one: str, many: str, count: int | float, **values: Any) -> str:
    """A sentence with a number that it agrees with, which it may name as `%(num)s`."""
    said = translations(audience().language).ngettext(one, many, whole(count))
    return said % ({"num": count} | values)


def whole(count: int | float) -> int:
    """The number by which forms of plurals are chosen: all languages here say 1.5 as they say
    100 (CLDR: `other`)."""
    return int(count) if count == int(count) else 100


@cache
def translations(language: str) -> NullTranslations:
    """The catalogue of a language; the source needs none."""
    return translation(DOMAIN, LOCALE, [language], fallback=True)
