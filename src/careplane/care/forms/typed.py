"""What was typed into a page, read into a sheet.

The fields of a question are `a` and its place, a slash and the number of the answer, and for what
has parts a slash and the part: `a0-1.2/0`, `a3/0/unit`. An option that is ticked is `a4/o2`; a
group that repeats says in `n5` how often it stands there. What is looked for among many options is
`a7/0/find`, and `a7/0/set` the number of the value set that the choice is of. `shown` names the
questions that a page shows: what is not among them stays as it was. A file comes as `a6/0/file`,
and goes by `a6/0/gone`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from careplane.care.forms.choices import Expansions, Option, is_searched, key_of, options, said
from careplane.care.forms.definition import Item
from careplane.care.forms.sheet import (
    MOST_REPEATS,
    Entry,
    Line,
    Sheet,
    answered,
    empty_repeat,
    number,
)
from careplane.care.forms.understanding import Parts, understood
from careplane.fhir.tree import Tree

_MOST_ANSWERS: Final = 100

Fields = Mapping[str, str]


def is_ticked(item: Item, expansions: Expansions) -> bool:
    """Whether a question is answered by ticking options: it takes several of a list, and asks
    nothing more about each."""
    asks = any(not one.is_aside for one in item.items)
    several = item.repeats and item.kind in ("choice", "open-choice") and not asks
    return several and not is_searched(item, expansions)


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
        if line.item.kind == "attachment":
            gone = {n for n, parts in typed.items() if parts.get("gone")}
            line.entries = [e for n, e in enumerate(line.entries) if str(n) not in gone]
            return
        chosen = options(line.item, self.expansions, "")
        if line.offered is not None:
            chosen = chosen or tuple(_offered(line))
        if is_ticked(line.item, self.expansions):
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


def attach(sheet: Sheet, place: str, attachment: Tree) -> None:
    """A file as an answer: beside the others where there may be several, else in their place."""
    line = sheet.at(place)
    if line is None or line.item.kind != "attachment" or line.item.is_fixed:
        return
    kept = line.entries if line.item.repeats else []
    line.entries = [
        *kept[: _MOST_ANSWERS - 1],
        answered(line.item, ("valueAttachment", attachment)),
    ]
    sheet.number()


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
