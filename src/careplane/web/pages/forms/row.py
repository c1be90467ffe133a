"""A line of a form as a page shows it: how it is asked, its fields, and what is wrong with them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from careplane.care.forms.definition import Item
from careplane.web.say import forms as words


@dataclass(slots=True)
class Choice:
    """One option: what it sends, how it reads, whether it is chosen. `name` is that of its field,
    where each has one of its own."""

    key: str
    text: str
    chosen: bool
    name: str = ""


@dataclass(slots=True)
class Field:
    """One answer. `name` is that of its field; `text` is in it; `other` are words of one's own.
    What is looked for among many options of the value set number `set` is `find`, and there may be
    `more` than it has found."""

    name: str
    text: str = ""
    choices: list[Choice] = field(default_factory=list)
    units: list[Choice] = field(default_factory=list)
    unit: str = ""
    other: str | None = None
    find: str | None = None
    set: int = 0
    more: bool = False
    problem: words.Said | None = None
    rows: list[Row] = field(default_factory=list)

    @property
    def id(self) -> str:
        """That of its first element in the page."""
        return f"i{self.name}"

    @property
    def chosen(self) -> bool:
        return any(one.chosen for one in self.choices)


@dataclass(slots=True)
class Row:
    """One line. `kind` is `group`, `display`, or how a question is asked: `radios`, `list`,
    `search`, `checks`, `text`, `area`, `number`, `date`, `moment`, `time`, `url`, `quantity`,
    `reference`, `attachment`, `fixed`."""

    kind: str
    place: str
    item: Item
    text: str
    prefix: str = ""
    helps: list[str] = field(default_factory=list)
    link: str = ""
    fields: list[Field] = field(default_factory=list)
    repeats: list[tuple[str, list[Row]]] = field(default_factory=list)
    answers: list[words.Said] = field(default_factory=list)
    problems: list[words.Said] = field(default_factory=list)
    hints: dict[str, Any] = field(default_factory=dict)
    can_add: bool = False
    level: int = 2

    @property
    def anchor(self) -> str:
        """Where a link to its problem leads."""
        return f"f{self.place}"

    @property
    def required(self) -> bool:
        return self.item.required


def shown(rows: list[Row]) -> Iterator[str]:
    """The places of the questions that a page shows fields of."""
    for row in rows:
        if row.fields or row.kind == "checks":
            yield row.place
        for _, below in row.repeats:
            yield from shown(below)
        for one in row.fields:
            yield from shown(one.rows)


def every(rows: list[Row]) -> Iterator[Row]:
    """All rows, in their order."""
    for row in rows:
        yield row
        for _, below in row.repeats:
            yield from every(below)
        for one in row.fields:
            yield from every(one.rows)
