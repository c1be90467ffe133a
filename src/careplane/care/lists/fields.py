"""What forms of the lists have in common: dates that may be partial, statuses as concepts."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from typing import Final

from careplane.fhir.tree import Tree
from careplane.kernel.errors import Incorrect, Issue

Sent = Mapping[str, str]
_DATE: Final = re.compile(r"\d{4}(-\d\d(-\d\d)?)?")
_LONGEST: Final = 2_000


class Problems:
    """What is wrong with a form, by the name of the field."""

    def __init__(self) -> None:
        self.issues: list[Issue] = []

    def add(self, field: str, text: str) -> None:
        """One more."""
        self.issues.append(Issue("error", "invalid", text, field))

    def settle(self) -> None:
        """Raises Incorrect with all of them."""
        if self.issues:
            raise Incorrect("The form is not complete.", issues=tuple(self.issues))

    def day(self, sent: Sent, name: str, today: date) -> str:
        """A date, a month or a year, none of them ahead."""
        text = sent.get(name, "").strip()
        if not text:
            return ""
        padded = text + "-01-01"[len(text) - 4 :] if len(text) < 10 else text
        try:
            if not _DATE.fullmatch(text) or date.fromisoformat(padded) > today:
                raise ValueError
        except ValueError:
            self.add(name, "Write a date as 2025-03-01, or the month or year alone; none ahead.")
        return text

    def choice(self, sent: Sent, name: str, known: Mapping[str, object], preset: str = "") -> str:
        """One of a list; empty only where that may be."""
        value = sent.get(name, preset)
        if value and value not in known:
            self.add(name, "Choose one of the list.")
        return value

    def words(self, sent: Sent, name: str) -> str:
        """Some text."""
        text = sent.get(name, "").strip()
        if len(text) > _LONGEST:
            self.add(name, "Write 2000 characters at most.")
        return text


def coded(system: str, code: str, display: str = "") -> Tree:
    """A CodeableConcept of one code."""
    return {
        "coding": [{"system": system, "code": code, **({"display": display} if display else {})}]
    }


def code_of(concept: Tree) -> str:
    """The first code of a concept."""
    return next((str(c.get("code", "")) for c in concept.get("coding", ())), "")


def whole(tree: Tree) -> Tree:
    """Without what is empty."""
    return {key: value for key, value in tree.items() if value not in ("", [], {}, None)}


def noted(before: Tree, text: str, now: str) -> list[Tree]:
    """The notes of a record, of which the form shows the first."""
    rest = list(before.get("note", ()))[1:]
    first: Tree = next(iter(before.get("note", ())), {})
    if text == first.get("text", ""):
        return list(before.get("note", ()))
    return [{"time": now, "text": text}, *rest] if text else rest
