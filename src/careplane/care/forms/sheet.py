"""A response while it is filled: a line for each item, with what was typed and what it means.

Every line has a place, which names its fields in a page: `0-1.2` is the third item in the second
repetition of the first group, `0-1.2_0` its first answer, `0-1.2_0.0` the first item below that.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final

from careplane.care.forms.choices import bare
from careplane.care.forms.definition import Form, Item
from careplane.fhir.tree import Tree
from careplane.fhir.validation.forms.values import objects, value_of
from careplane.kernel.errors import TooLarge

MOST_REPEATS: Final = 50
MOST_LINES: Final = 10_000

Value = tuple[str, Any]
"""JSON name and value of an answer, such as `("valueInteger", 3)`."""


@dataclass(slots=True)
class Entry:
    """One answer: its value, None where there is none or what was typed cannot be understood;
    `typed` are the texts of its fields, by the part that they are of; `problem` is what is wrong
    with them. `tree` is the answer in the response that was written last."""

    value: Value | None = None
    typed: dict[str, str] = field(default_factory=dict)
    problem: str = ""
    lines: list[Line] = field(default_factory=list)
    tree: Tree = field(default_factory=dict)


@dataclass(slots=True)
class Repeat:
    """One repetition of a group."""

    lines: list[Line]
    place: str = ""
    tree: Tree = field(default_factory=dict)


@dataclass(slots=True)
class Line:
    """An item in one place. A question has entries, a group repeats. `is_asked` is whether its
    conditions hold; `problems` are of the line as a whole; `offered` is what can be answered, where
    an expression says that (SDC, answerExpression). `tree` is the item in the response that was
    written last."""

    item: Item
    entries: list[Entry] = field(default_factory=list)
    repeats: list[Repeat] = field(default_factory=list)
    place: str = ""
    is_asked: bool = True
    problems: list[str] = field(default_factory=list)
    offered: list[Value] | None = None
    tree: Tree = field(default_factory=dict)

    @property
    def below(self) -> Iterator[list[Line]]:
        """The lines of each repetition, and below each answer."""
        yield from (repeat.lines for repeat in self.repeats)
        yield from (entry.lines for entry in self.entries)

    @property
    def values(self) -> list[Value]:
        return [entry.value for entry in self.entries if entry.value is not None]


@dataclass(slots=True)
class Sheet:
    """All lines of a form."""

    form: Form
    lines: list[Line]

    def every(self) -> Iterator[Line]:
        """All lines, in their order."""
        yield from _every(self.lines)

    def at(self, place: str) -> Line | None:
        """The line at a place; of a group, of all its repetitions."""
        return next((line for line in self.every() if line.place == place), None)

    def number(self) -> None:
        """Give each line its place. Raises TooLarge where there are too many."""
        number(self.lines)


def blank(form: Form) -> Sheet:
    """With nothing answered, but what a questionnaire says to begin with."""
    return _numbered(Sheet(form, [empty_line(item) for item in form.items]))


def empty_line(item: Item) -> Line:
    """A line as it is before anybody has filled it (Questionnaire.item.initial)."""
    line = Line(item)
    if item.is_group:
        line.repeats = [empty_repeat(item) for _ in range(max(1, min(item.fewest, MOST_REPEATS)))]
    for initial in objects(item.tree.get("initial")) if item.is_question else ():
        name, value = value_of(initial)
        if name:
            line.entries.append(answered(item, (name, value)))
    for option in objects(item.tree.get("answerOption")) if not line.entries else ():
        if option.get("initialSelected") is True:
            name, value = value_of(option)
            line.entries.append(answered(item, (name, bare(value))))
    return line


def empty_repeat(item: Item) -> Repeat:
    """One more repetition of a group."""
    return Repeat([empty_line(one) for one in item.items])


def answered(item: Item, value: Value) -> Entry:
    """An answer, with what is asked below it."""
    return Entry(value, lines=[empty_line(one) for one in item.items if not one.is_aside])


def filled(form: Form, response: Tree) -> Sheet:
    """As a response has it. What it has that the form has not is left out."""
    return _numbered(Sheet(form, _filled(form.items, response)))


def _filled(items: tuple[Item, ...], owner: Tree) -> list[Line]:
    given: dict[str, list[Tree]] = {}
    for one in objects(owner.get("item")):
        given.setdefault(str(one.get("linkId")), []).append(one)
    lines = []
    for item in items:
        mine = given.get(item.link, [])
        line = Line(item)
        if item.is_group:
            line.repeats = [Repeat(_filled(item.items, one)) for one in mine[:MOST_REPEATS]]
            if not line.repeats:
                line.repeats = [Repeat(_filled(item.items, {}))]
        below = tuple(one for one in item.items if not one.is_aside)
        for answer in (a for one in mine for a in objects(one.get("answer"))):
            name, value = value_of(answer)
            if name and item.is_question:
                line.entries.append(Entry((name, value), lines=_filled(below, answer)))
        lines.append(line)
    return lines


def _numbered(sheet: Sheet) -> Sheet:
    sheet.number()
    return sheet


def number(lines: list[Line], around: str = "") -> None:
    """Give lines their places; `around` is where they stand, such as `0-1.`. Raises TooLarge where
    there are too many."""
    _number(lines, around, [MOST_LINES])


def _number(lines: list[Line], around: str, left: list[int]) -> None:
    left[0] -= len(lines)
    if left[0] < 0:
        raise TooLarge(f"A filled form has at most {MOST_LINES} lines.")
    for line in lines:
        line.place = f"{around}{line.item.number}"
        for n, repeat in enumerate(line.repeats):
            repeat.place = f"{line.place}-{n}"
            _number(repeat.lines, f"{repeat.place}.", left)
        for n, entry in enumerate(line.entries):
            _number(entry.lines, f"{line.place}_{n}.", left)


def _every(lines: list[Line]) -> Iterator[Line]:
    for line in lines:
        yield line
        for below in line.below:
            yield from _every(below)
