"""Numbers, counted and measured.

Digits are those of Latin script in every language: a dose is read by more people than speak
one, and Eastern Arabic 5 (٥) looks like a Latin 0 (0084).
"""

from __future__ import annotations

import re

from careplane.words.audience import audience

POINTS = {"en": ".", "es": ",", "de": ",", "ar": "."}
"""Between whole and decimal digits. Arabic with Latin digits writes a point (CLDR)."""
_THIN = "\u202f"
_NUMBER = re.compile(r"([+-]?)(\d+)(?:\.(\d+))?((?:[eE][+-]?\d+)?)")


def counted(number: int) -> str:
    """A number of things, grouped as the language groups: `12,000` or `12.000`."""
    from babel.numbers import format_decimal

    return format_decimal(number, locale=audience().language, numbering_system="latn")


def measured(text: object) -> str:
    """A measured number with the digits as they were sent, for 86.0 is not 86. From five digits
    on they are parted by thin spaces (ISO 80000-1), which nobody takes for a decimal sign; whatever
    is no number is left as it is."""
    found = _NUMBER.fullmatch(str(text))
    if found is None:
        return str(text)
    sign, whole, part, power = found.groups()
    sign = "−" if sign == "-" else sign
    return f"{sign}{_parted(whole)}{point() + part if part else ''}{power}"


def point() -> str:
    """What stands before the decimal digits."""
    return POINTS.get(audience().language, ".")


def percent(share: float) -> str:
    """A share of one, in whole percent."""
    from babel.numbers import format_percent

    return format_percent(share, locale=audience().language, numbering_system="latn")


def _parted(digits: str) -> str:
    if len(digits) < 5:
        return digits
    head = len(digits) % 3
    groups = [digits[:head]] if head else []
    groups += [digits[at : at + 3] for at in range(head, len(digits), 3)]
    return _THIN.join(groups)
