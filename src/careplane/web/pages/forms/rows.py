"""A sheet as a page shows it: each line with its texts, its fields and what is wrong with them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from careplane.care.forms import names
from careplane.care.forms.choices import (
    Option,
    is_searched,
    key_of,
    options,
    said,
    units,
    value_sets,
)
from careplane.care.forms.definition import Item
from careplane.care.forms.opening import Opened
from careplane.care.forms.reading import Matches
from careplane.care.forms.sheet import MOST_REPEATS, Entry, Line, Value
from careplane.care.forms.typed import is_ticked
from careplane.care.forms.understanding import OTHER
from careplane.fhir.validation.forms.values import CORE, SDC, numbers
from careplane.web.pages.forms.row import Choice, Field, Row
from careplane.web.say import forms as words

_FEW: Final = 7
"""So many options are shown side by side; more are in a list that opens."""
_SHORT: Final = 26
_LEAST: Final = (CORE + "minValue", SDC + "minQuantity")
_MOST: Final = (CORE + "maxValue", SDC + "maxQuantity")


def rows(opened: Opened, language: str) -> list[Row]:
    """The lines that are asked, in their order."""
    return list(_Showing(opened, language).rows(opened.sheet.lines, 2))


def carried(opened: Opened, fields: dict[str, str], shown: set[str]) -> list[tuple[str, str]]:
    """What was typed into questions that are asked no more: kept in the page, lest it is lost where
    they are asked again."""
    kept = []
    for name, text in fields.items():
        place = name[1:].partition("/")[0]
        is_answer = name.startswith("a") and "/" in name and place not in shown
        if is_answer and text and len(text) < 10_000:
            line = opened.sheet.at(place)
            if line is not None and line.item.is_question and not line.item.is_hidden:
                kept.append((name, text))
    return kept


@dataclass(slots=True)
class _Showing:
    opened: Opened
    language: str

    def rows(self, lines: list[Line], level: int) -> Iterator[Row]:
        for line in lines:
            item = line.item
            if line.is_asked and not item.is_hidden and not item.is_aside:
                yield self._row(line, level)

    def _row(self, line: Line, level: int) -> Row:
        item, language = line.item, self.language
        row = Row(
            kind=item.kind,
            place=line.place,
            item=item,
            text=item.text(language),
            prefix=item.prefix(language),
            helps=[one.text(language) for one in item.asides],
            link=_link(item),
            problems=[words.problem(text) for text in line.problems],
            level=min(level, 6),
        )
        if item.is_group:
            row.repeats = [
                (repeat.place, list(self.rows(repeat.lines, level + 1))) for repeat in line.repeats
            ]
            most = min(item.most or MOST_REPEATS, MOST_REPEATS)
            row.can_add = item.repeats and len(line.repeats) < most
        elif item.is_question:
            self._question(row, line)
        return row

    def _question(self, row: Row, line: Line) -> None:
        item = line.item
        names = {one.key: one.text for one in options(item, {}, self.language)}
        row.answers = [
            words.answer(*value, self.language, names.get(key_of(value[1]), ""))
            for value in line.values
        ]
        if item.is_fixed or item.is_calculated:
            row.kind, row.hints = "fixed", _hints(item, "fixed", line)
            return
        chosen = options(item, self.opened.expansions, self.language) or _offered(line)
        row.kind = self._control(item, chosen)
        row.hints = _hints(item, row.kind, line, chosen)
        if row.kind == "attachment":
            row.fields = [Field(f"a{line.place}/0")]
            return
        if row.kind == "checks":
            row.fields = [self._ticks(line, chosen)]
            return
        entries = list(line.entries)
        room = item.most is None or len(entries) < item.most
        if not entries or (item.repeats and room):
            entries.append(Entry())
        row.fields = [self._field(line, n, entry, chosen) for n, entry in enumerate(entries)]
        row.can_add = item.repeats and (item.most is None or len(entries) < item.most)

    def _control(self, item: Item, chosen: tuple[Option, ...]) -> str:
        """How a question is asked."""
        if is_ticked(item, self.opened.expansions):
            return "checks"
        if is_searched(item, self.opened.expansions):
            return "search"
        if item.kind == "boolean":
            return "radios"
        if item.kind in ("choice", "open-choice") or chosen:
            if item.repeats or item.control in ("drop-down", "autocomplete"):
                return "list"
            return "radios" if item.control == "radio-button" or len(chosen) <= _FEW else "list"
        return _CONTROLS.get(item.kind, "text")

    def _ticks(self, line: Line, chosen: tuple[Option, ...]) -> Field:
        name = f"a{line.place}"
        given = {key_of(value) for _, value in line.values}
        known = {option.key for option in chosen}
        made = Field(f"{name}/0")
        made.choices = [
            Choice(one.key, one.text, one.key in given, f"{name}/o{n}")
            for n, one in enumerate(chosen)
        ]
        if line.item.kind == "open-choice":
            made.other = next(
                (str(v) for v in map(_second, line.values) if key_of(v) not in known), ""
            )
        return made

    def _field(self, line: Line, n: int, entry: Entry, chosen: tuple[Option, ...]) -> Field:
        item = line.item
        made = Field(f"a{line.place}/{n}")
        made.text = entry.typed[""] if "" in entry.typed else _typed(entry.value)
        if entry.problem:
            made.problem = words.mistyped(entry.problem)
        if is_searched(item, self.opened.expansions):
            self._search(made, line, n, entry)
        elif chosen or item.kind in ("choice", "open-choice", "boolean"):
            self._choose(made, item, entry, chosen)
        if item.kind == "quantity":
            known = units(item, self.opened.expansions, self.language)
            unit = _unit(entry)
            made.units = [Choice(one.key, one.text, one.key == unit) for one in known]
            made.unit = entry.typed.get("unit", unit.rpartition("|")[2])
        made.rows = list(self.rows(entry.lines, 4)) if entry.value is not None else []
        return made

    def _search(self, made: Field, line: Line, n: int, entry: Entry) -> None:
        """What is chosen, and what a search has found besides."""
        text, matches = self.opened.found.get(f"{line.place}/{n}", ("", Matches((), False)))
        made.find, made.more = text, matches.more
        made.set = value_sets(self.opened.form).index(str(line.item.tree["answerValueSet"]))
        own = entry.value[1] if entry.value is not None else None
        shown = {key_of(one): one for one in (*filter(_is_coding, [own]), *matches.codings)}
        chosen = key_of(own) if _is_coding(own) else None
        made.choices = [
            Choice(key, said(one, self.language), key == chosen) for key, one in shown.items()
        ]
        if line.item.kind == "open-choice":
            made.other = entry.typed.get("other", "" if own is None or chosen else str(own))
            made.choices.append(Choice(OTHER, "", bool(made.other)))

    def _choose(self, made: Field, item: Item, entry: Entry, chosen: tuple[Option, ...]) -> None:
        key = "" if entry.value is None else key_of(entry.value[1])
        if item.kind == "boolean":
            key = key.lower()
            made.choices = [Choice(one, text, one == key) for one, text in words.YES_OR_NO]
            return
        made.choices = [Choice(one.key, one.text, one.key == key) for one in chosen]
        if item.kind == "open-choice":
            known = {one.key for one in chosen}
            made.other = entry.typed.get("other", "" if key in known else key)
            made.choices.append(Choice(OTHER, "", bool(made.other)))
        elif key and entry.value is not None and key not in {one.key for one in chosen}:
            made.choices.append(Choice(key, said(entry.value[1], self.language), True))


def _is_coding(value: Any) -> bool:
    return isinstance(value, dict)


def _second(value: Value) -> Any:
    return value[1]


def _offered(line: Line) -> tuple[Option, ...]:
    return tuple(Option(key_of(v), name, v, said(v, "")) for name, v in line.offered or ())


def _link(item: Item) -> str:
    link = str(item.one(names.SUPPORT) or "")
    return link if link.startswith(("https://", "http://")) else ""


_CONTROLS: Final = {
    "text": "area",
    "integer": "number",
    "decimal": "number",
    "date": "date",
    "dateTime": "moment",
    "time": "time",
    "url": "url",
    "quantity": "quantity",
    "reference": "reference",
    "attachment": "attachment",
}


def _hints(item: Item, kind: str, line: Line, chosen: tuple[Option, ...] = ()) -> dict[str, Any]:
    """What a field says of what may be in it."""
    unit = item.one(names.UNIT)
    found: dict[str, Any] = {
        "maxlength": item.tree.get("maxLength"),
        "format": item.one(names.ENTRY_FORMAT),
        "least": next(iter(numbers(item.tree, *_LEAST)), None) or item.one(*_LEAST),
        "most": next(iter(numbers(item.tree, *_MOST)), None) or item.one(*_MOST),
        "unit": said(unit, "") if isinstance(unit, dict) and item.kind != "quantity" else "",
        "decimal": item.kind != "integer",
        "is_flat": _is_flat(item, chosen),
        "is_partial": False,
    }
    for bound in ("least", "most"):
        if isinstance(found[bound], dict):
            found[bound] = found[bound].get("value")
    if kind == "date":
        found["is_partial"] = any(len(_typed(v)) != len("2026-11-28") for v in line.values)
    return found


def _is_flat(item: Item, chosen: tuple[Option, ...]) -> bool:
    """Whether options stand side by side: as the form asks for, else where all are short."""
    asked = item.one(names.ORIENTATION)
    return bool(
        asked == "horizontal" or (all(len(one.text) <= _SHORT for one in chosen) and not asked)
    )


def _unit(entry: Entry) -> str:
    if entry.value is None or not isinstance(entry.value[1], dict):
        return entry.typed.get("unit", "")
    value = entry.value[1]
    return f"{value.get('system') or ''}|{value.get('code') or value.get('unit') or ''}"


def _typed(value: Value | None) -> str:
    """An answer as its field has it."""
    if value is None:
        return ""
    name, found = value
    if name == "valueDateTime" and len(str(found)) > len("2026-11-28"):
        try:
            moment = datetime.fromisoformat(str(found)).astimezone(UTC)
        except ValueError:
            return str(found)
        return f"{moment:%Y-%m-%dT%H:%M}"
    if name == "valueTime":
        return str(found)[:5]
    if isinstance(found, dict):
        return str(found.get("value", found.get("reference", "")))
    return str(found)
