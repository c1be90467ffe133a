"""Sentences in the language of the audience: gettext catalogues, English as the source.

A catalogue is `locale/<language>/LC_MESSAGES/careplane.mo`; `tools/messages.py` extracts, and
the build compiles. Placeholders are named: `_("%(count)s results", count=3)`.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from functools import cache
from gettext import NullTranslations, translation
from typing import Any

from careplane.words.audience import audience
from careplane.words.languages import DOMAIN, LOCALE
from careplane.words.lists import isolated
from careplane.words.numbers import counted, measured

_COUNTS = {"num", "count", "total"}


def mark(text: str) -> str:
    """The same text: tells the extractor that it is said later, by `gettext`."""
    return text


def marks(one: str, many: str) -> tuple[str, str]:
    """The same two texts: a sentence with a number, to be said later by `ngettext`."""
    return one, many


def gettext(text: str, **values: Any) -> str:
    """A sentence, said now, its values isolated; nothing is said for nothing."""
    said = translations(audience().language).gettext(text) if text else ""
    return said % apart(values) if values else said


def ngettext(one: str, many: str, count: int | float | Decimal, **values: Any) -> str:
    """A sentence with a number that it agrees with, which it may name as `%(num)s`."""
    return chosen(one, many, count) % apart({"num": count} | values)


def chosen(one: str, many: str, count: int | float | Decimal) -> str:
    """The form of a sentence that a number asks for, its values not filled in."""
    return translations(audience().language).ngettext(one, many, whole(count))


def apart(values: Mapping[str, Any]) -> dict[str, Any]:
    """The values of a sentence, each isolated: a Latin name or a range of numbers stays in one
    piece in a sentence that runs from right to left. Counts are grouped."""
    return {name: _apart(name, value) for name, value in values.items()}


def _apart(name: str, value: Any) -> Any:
    if isinstance(value, str):
        return isolated(value)
    if name in _COUNTS and isinstance(value, int) and value > 999:
        return counted(value)
    return measured(value) if isinstance(value, Decimal) else value


def whole(count: int | float | Decimal) -> int:
    """The number by which forms of plurals are chosen: all languages here say 1.5 as they say
    100 (CLDR: `other`)."""
    return int(count) if count == int(count) else 100


@cache
def translations(language: str) -> NullTranslations:
    """The catalogue of a language; the source needs none."""
    return translation(DOMAIN, LOCALE, [language], fallback=True)
