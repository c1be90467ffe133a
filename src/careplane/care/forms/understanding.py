"""What was typed as an answer, understood by the type of its question."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from careplane.care.forms.choices import Expansions, Option, units
from careplane.care.forms.converting import unit_of
from careplane.care.forms.definition import Item
from careplane.care.forms.sheet import Value

OTHER: Final = "~"
"""What a choice sends where the answer is in words of one's own."""
_DATE: Final = re.compile(r"\d{4}(-\d\d(-\d\d)?)?")
_TIME: Final = re.compile(r"([01]\d|2[0-3]):[0-5]\d(:[0-5]\d)?")
_MOMENT: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d)?")
_REFERENCE: Final = re.compile(r"[A-Z][A-Za-z]{1,50}/[A-Za-z0-9.-]{1,64}")
_URL: Final = re.compile(r"\S{1,2000}")
_LONGEST_NUMBER: Final = 30

Parts = Mapping[str, str]
"""What is in the fields of one answer, by the part that they are of; the first has no name."""
Read = tuple[Value | None, str]
"""An answer, or a short name of what is wrong with what was typed."""


def understood(
    item: Item, parts: Parts, chosen: tuple[Option, ...], expansions: Expansions
) -> Read:
    """The answer that was typed; none where nothing was."""
    text = parts.get("", "")
    if item.kind in ("choice", "open-choice") or chosen:
        return _choice(item, text, parts, chosen)
    if item.kind == "quantity":
        return _quantity(text, parts, units(item, expansions, ""))
    if not text.strip():
        return None, ""
    reader = _READERS.get(item.kind)
    return reader(text) if reader else (None, "unknown")


def _choice(item: Item, text: str, parts: Parts, chosen: tuple[Option, ...]) -> Read:
    words = parts.get("other", "").strip()
    if words and text in ("", OTHER) and item.kind == "open-choice":
        return ("valueString", words), ""
    if text in ("", OTHER):
        return None, ""
    for option in chosen:
        if option.key == text:
            return (option.name, option.value), ""
    return None, "choice"


def _quantity(text: str, parts: Parts, known: tuple[Option, ...]) -> Read:
    if not text.strip():
        return None, ""
    found, problem = _decimal(text)
    if found is None:
        return None, problem
    value: dict[str, Any] = {"value": found[1]}
    wanted = parts.get("unit", "")
    if known:
        chosen = next((one for one in known if one.key == wanted), None if wanted else known[0])
        if chosen is None:
            return None, "unit"
        return ("valueQuantity", value | unit_of(chosen.value)), ""
    unit = wanted.strip()
    return ("valueQuantity", value | ({"unit": unit} if unit else {})), ""


def _boolean(text: str) -> Read:
    known = {"true": True, "false": False}
    return (("valueBoolean", known[text]), "") if text in known else (None, "choice")


def _decimal(text: str) -> Read:
    plain = text.strip().replace("\u2212", "-")
    if plain.count(",") == 1 and "." not in plain:
        plain = plain.replace(",", ".")
    try:
        value = Decimal(plain) if len(plain) <= _LONGEST_NUMBER else None
    except InvalidOperation:
        value = None
    if value is None or not value.is_finite() or "_" in plain or abs(value.adjusted()) > 40:
        return None, "decimal"
    return ("valueDecimal", value), ""


def _integer(text: str) -> Read:
    found = _decimal(text)[0]
    value = found[1] if found else None
    if value is None or value != value.to_integral_value() or abs(value) >= 2**31:
        return None, "integer"
    return ("valueInteger", int(value)), ""


def _date(text: str) -> Read:
    plain = text.strip()
    if not _DATE.fullmatch(plain):
        return None, "date"
    try:
        date.fromisoformat((plain + "-01-01")[:10] if len(plain) < 10 else plain)
    except ValueError:
        return None, "date"
    return ("valueDate", plain), ""


def _moment(text: str) -> Read:
    plain = text.strip()
    if _DATE.fullmatch(plain):
        found, problem = _date(plain)
        return (("valueDateTime", plain), "") if found else (None, problem)
    if not _MOMENT.fullmatch(plain):
        return None, "dateTime"
    try:
        zoned = datetime.fromisoformat(plain).tzinfo is not None
    except ValueError:
        return None, "dateTime"
    seconds = plain if len(plain) > len("2026-11-28T09:30") else f"{plain}:00"
    return ("valueDateTime", seconds if zoned else f"{seconds}Z"), ""


def _time(text: str) -> Read:
    plain = text.strip()
    if not _TIME.fullmatch(plain):
        return None, "time"
    return ("valueTime", plain if len(plain) > 5 else f"{plain}:00"), ""


def _string(text: str) -> Read:
    plain = text.replace("\r\n", "\n").strip()
    if any(ord(sign) < 32 and sign not in "\n\t" for sign in plain):
        return None, "text"
    return ("valueString", plain), ""


def _url(text: str) -> Read:
    plain = text.strip()
    return (("valueUri", plain), "") if _URL.fullmatch(plain) else (None, "url")


def _reference(text: str) -> Read:
    plain = text.strip()
    if not _REFERENCE.fullmatch(plain):
        return None, "reference"
    return ("valueReference", {"reference": plain}), ""


_READERS: Final[Mapping[str, Callable[[str], Read]]] = {
    "boolean": _boolean,
    "decimal": _decimal,
    "integer": _integer,
    "date": _date,
    "dateTime": _moment,
    "time": _time,
    "string": _string,
    "text": _string,
    "url": _url,
    "reference": _reference,
}
