"""What somebody has typed, as FHIR writes it."""

from __future__ import annotations

import re
import unicodedata

from careplane.kernel.errors import Incorrect
from careplane.words.catalogues import gettext as _
from careplane.words.numbers import measured, point

_TYPED = re.compile(r"[+-]?\d{1,15}(?:[.,]\d{1,12})?", re.ASCII)
_EITHER = re.compile(r"[+-]?[1-9]\d{0,2}[.,]\d{3}", re.ASCII)
_SPACES = dict.fromkeys(map(ord, " \u00a0\u2009\u202f\u200e\u200f\u061c"))
_SIGNS = {ord("−"): "-", ord("٫"): ".", ord("،"): ",", ord("٬"): "'"}


def number(text: str) -> str:
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


def _digit(sign: str) -> str:
    value = unicodedata.decimal(sign, None)
    return sign if value is None else str(value)
