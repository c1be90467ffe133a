"""Numbers: counted ones, measured ones, and those that somebody has typed.

Digits are those of Latin script in every language: a dose is read by more people than speak
one, and Eastern Arabic 5 (٥) looks like a Latin 0 (0084).
"""

from __future__ import annotations

import re
import unicodedata

from careplane.kernel.errors import Incorrect
from careplane.words.audience import audience
from careplane.words.catalogues import gettext as _

POINTS = {"en": ".", "es": ",", "de": ",", "ar": "."}
"""Between whole and decimal digits. Arabic with Latin digits writes a point (CLDR)."""
_THIN = "\u202f"
_NUMBER = re.compile(r"([+-]?)(\d+)(?:\.(\d+))?((?:[eE][+-]?\d+)?)")
_TYPED = re.compile(r"[+-]?\d{1,15}(?:[.,]\d{1,12})?", re.ASCII)
_EITHER = re.compile(r"[+-]?[1-9]\d{0,2}[.,]\d{3}", re.ASCII)
_SPACES = dict.fromkeys(map(ord, " \u00a0\u2009\u202f\u200e\u200f\u061c"))
_SIGNS = {ord("−"): "-", ord("٫"): ".", ord("،"): ",", ord("٬"): "'"}


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


def typed(text: str) -> str:
    """A number as somebody types it, as FHIR writes it: decimal comma or point, digits of any
    script. Raises Incorrect for what is no number, and for what may be two (`1,234`, where the
    language writes a decimal point)."""
    plain = "".join(map(_digit, text.translate(_SPACES).translate(_SIGNS)))
    if not _TYPED.fullmatch(plain):
        raise Incorrect(
            _("“%(typed)s” is not a number. Write it like %(example)s.", typed=text[:40],
              example=measured("12.5"))
        )  # fmt: skip
    if _EITHER.fullmatch(plain) and point() not in plain:
        raise Incorrect(
            _("“%(typed)s” may be read in two ways. Write it without a sign for thousands: "
              "%(whole)s or %(part)s.", typed=text[:40], whole=re.sub("[.,]", "", plain),
              part=re.sub("[.,]", point(), plain))
        )  # fmt: skip
    return plain.replace(",", ".").removeprefix("+")


def _parted(digits: str) -> str:
    if len(digits) < 5:
        return digits
    head = len(digits) % 3
    groups = [digits[:head]] if head else []
    groups += [digits[at : at + 3] for at in range(head, len(digits), 3)]
    return _THIN.join(groups)


def _digit(sign: str) -> str:
    value = unicodedata.decimal(sign, None)
    return sign if value is None else str(value)
