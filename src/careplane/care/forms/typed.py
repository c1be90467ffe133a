"""What was typed into a page, read into a sheet.

The fields of a question are `a` and its place, a slash and the number of the answer, and for what
has parts a slash and the part: `a0-1.2/0`, `a3/0/unit`. An option that is ticked is `a4/o2`; a
group that repeats says in `n5` how often it stands there. `shown` names the questions that a page
shows: what is not among them stays as it was.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from careplane.care.forms.choices import Expansions, Option, key_of, options, said, units
from careplane.care.forms.converting import unit_of
from careplane.care.forms.definition import Item
from careplane.care.forms.sheet import (
    MOST_REPEATS,
    Entry,
    Line,
    Sheet,
    Value,
    answered,
    empty_repeat,
    number,
)

OTHER: Final = "~"
"""What a choice sends where the answer is in words of one's own."""
_MOST_ANSWERS: Final = 100
_DATE: Final = re.compile(r"\d{4}(-\d\d(-\d\d)?)?")
_TIME: Final = re.compile(r"([01]\d|2[0-3]):[0-5]\d(:[0-5]\d)?")
_MOMENT: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d)?")
_REFERENCE: Final = re.compile(r"[A-Z][A-Za-z]{1,50}/[A-Za-z0-9.-]{1,64}")
_URL: Final = re.compile(r"\S{1,2000}")
_LONGEST_NUMBER: Final = 30

Fields = Mapping[str, str]
Parts = Mapping[str, str]
Read = tuple[Value | None, str]
"""An answer, or a short name of what is wrong with what was typed."""


def is_ticked(item: Item) -> bool:
    """Whether a question is answered by ticking options: it takes several, and asks nothing more
    about each."""
    asks = any(not one.is_aside for one in item.items)
    return item.repeats and item.kind in ("choice", "open-choice") and not asks


def read(sheet: Sheet, fields: Fields, expansions: Expansions) -> None:
    """Take in what was typed."""
    told = _Told(fields, expansions)
    told.lines(sheet.lines)
    sheet.number()


class _Told:
    def __init__(self, fields: Fields, expansions: Expansions) -> None:
        self.fields, self.expansions = fields, expansions
        self.shown = frozenset(fields.get("shown", "").split())
        self.typed: dict[str, dict[str, dict[str, str]]] = {}
        for name, text in fields.items():
            place, _, rest = name[1:].partition("/") if name.startswith("a") else ("", "", "")
            which, _, part = rest.partition("/")
            if place and which:
                self.typed.setdefault(place, {}).setdefault(which, {})[part] = text

    def lines(self, lines: list[Line]) -> None:
        for line in lines:
            if line.item.is_group:
                self._repeat(line)
            elif line.item.is_question and line.place in self.shown:
                self._question(line)
            for below in line.below:
                self.lines(below)

    def _repeat(self, line: Line) -> None:
        text = self.fields.get(f"n{line.place}", "")
        if not line.item.repeats or not text.isascii() or not text.isdecimal():
            return
        wanted = min(int(text[:4]), MOST_REPEATS)
        while len(line.repeats) < wanted:
            line.repeats.append(empty_repeat(line.item))
        del line.repeats[wanted:]
        stem = re.sub(r"\d+$", "", line.place)
        number([line], stem)

    def _question(self, line: Line) -> None:
        typed = self.typed.get(line.place, {})
        chosen = options(line.item, self.expansions, "")
        if line.offered is not None:
            chosen = chosen or tuple(_offered(line))
        if is_ticked(line.item):
            line.entries = _ticked(line, typed, chosen)
            return
        numbers = sorted(int(n) for n in typed if n.isascii() and n.isdecimal() and len(n) < 4)
        most = _MOST_ANSWERS if line.item.repeats else 1
        entries = []
        for n in numbers[:most]:
            before = line.entries[n] if n < len(line.entries) else None
            entry = self._entry(line.item, typed[str(n)], chosen, before)
            entries.append(entry)
        line.entries = entries
        stem = re.sub(r"\d+$", "", line.place)
        number([line], stem)
        for entry in line.entries:
            self.lines(entry.lines)
        kept = (e for e in line.entries if e.value is not None or e.problem)
        line.entries = list(kept)

    def _entry(
        self, item: Item, parts: Parts, chosen: tuple[Option, ...], before: Entry | None
    ) -> Entry:
        value, problem = understood(item, parts, chosen, self.expansions)
        if value is None:
            return Entry(None, dict(parts), problem, before.lines if before else [])
        made = answered(item, value)
        made.typed, made.problem = dict(parts), problem
        if before and before.lines:
            made.lines = before.lines
        return made


def _offered(line: Line) -> list[Option]:
    return [Option(key_of(v), name, v, said(v, "")) for name, v in line.offered or ()]


def _ticked(line: Line, typed: Mapping[str, Parts], chosen: tuple[Option, ...]) -> list[Entry]:
    entries = []
    for place, option in enumerate(chosen):
        if typed.get(f"o{place}", {}).get("") == option.key:
            entries.append(Entry((option.name, option.value)))
    words = typed.get("0", {}).get("other", "").strip()
    if words and line.item.kind == "open-choice":
        entries.append(Entry(("valueString", words)))
    return entries


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


def add(sheet: Sheet, place: str) -> str:
    """One more repetition of a group; the place of it, or nothing where there may be no more."""
    line = sheet.at(place)
    if line is None or not line.item.is_group or not line.item.repeats:
        return ""
    most = min(line.item.most or MOST_REPEATS, MOST_REPEATS)
    if len(line.repeats) >= most:
        return ""
    line.repeats.append(empty_repeat(line.item))
    sheet.number()
    return line.repeats[-1].place


def remove(sheet: Sheet, place: str) -> str:
    """Take a repetition of a group away; the place of its group."""
    stem, _, which = place.rpartition("-")
    line = sheet.at(stem)
    if line is None or not which.isdecimal() or int(which[:4]) >= len(line.repeats):
        return ""
    if len(line.repeats) > 1:
        del line.repeats[int(which)]
    else:
        line.repeats = [empty_repeat(line.item)]
    sheet.number()
    return stem
