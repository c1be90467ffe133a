"""Observations of coded questions (SDC, Observation-based extraction).

A question whose code is marked (observationExtract, here or around it) becomes an Observation for
each answer; a group with a code becomes one that has the others as members.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from careplane.care.forms import names
from careplane.care.forms.converting import unit_of
from careplane.care.forms.definition import Item
from careplane.care.forms.extracting.made import ANSWER, Made, id_of
from careplane.care.forms.sheet import Line, Sheet, Value
from careplane.fhir.tree import Tree
from careplane.fhir.validation.forms.values import extension, objects

_ORIGIN: Final = (
    ("basedOn", "basedOn"),
    ("partOf", "partOf"),
    ("subject", "subject"),
    ("encounter", "encounter"),
)
"""Elements of the response that an Observation has as well."""


def observations(sheet: Sheet, response: Tree) -> list[Made]:
    """What a completed response says in Observations."""
    making = _Making(response)
    marked = _marked(sheet.form.tree, False)
    making.lines(sheet.lines, _Inherited(marked, extension(sheet.form.tree, names.CATEGORY)))
    return making.made


@dataclass(frozen=True, slots=True)
class _Inherited:
    """What items around say: whether to extract, and into which categories."""

    marked: bool
    categories: list[Tree]


class _Making:
    def __init__(self, response: Tree) -> None:
        self.response = response
        self.made: list[Made] = []

    def lines(self, lines: list[Line], around: _Inherited) -> list[str]:
        """The references of what was made, of the topmost of each branch."""
        found: list[str] = []
        for line in lines:
            if line.is_asked:
                found += self._line(line, around)
        return found

    def _line(self, line: Line, around: _Inherited) -> list[str]:
        item = line.item
        own = extension(item.tree, names.CATEGORY)
        here = _Inherited(_marked(item.tree, around.marked), own or around.categories)
        codes = _codes(item) if here.marked or _tagged(item) else []
        found: list[str] = []
        for place, below in _parts(line):
            members = self.lines(below, here)
            found += (
                [self._panel(item, codes, place, members, here)] if codes and members else (members)
            )
        for n, entry in enumerate(line.entries):
            if entry.value is None:
                continue
            members = self.lines(entry.lines, here)
            value = _VALUES[entry.value[0]](item, entry.value) if codes else {}
            if value:
                place = f"{line.place}/{n}"
                found.append(self._make(codes, place, {**value, **_members(members)}, here))
            else:
                found += members
        return found

    def _panel(
        self, item: Item, codes: list[Tree], place: str, members: list[str], here: _Inherited
    ) -> str:
        return self._make(codes, place, _members(members), here)

    def _make(self, codes: list[Tree], place: str, parts: Tree, here: _Inherited) -> str:
        id = id_of(str(self.response["id"]), "Observation", place)
        when = str(self.response.get("authored", ""))
        is_instant = "T" in when
        author = self.response.get("author")
        tree: Tree = {
            "resourceType": "Observation",
            "identifier": [{"system": ANSWER, "value": f"{self.response['id']}/{place}"}],
            "status": "final",
            **({"category": here.categories} if here.categories else {}),
            "code": {"coding": codes},
            **{to: self.response[one] for one, to in _ORIGIN if one in self.response},
            **({"effectiveDateTime": when} if when else {}),
            **({"issued": when} if is_instant else {}),
            **({"performer": [author]} if isinstance(author, dict) else {}),
            **parts,
            "derivedFrom": [{"reference": f"QuestionnaireResponse/{self.response['id']}"}],
        }
        self.made.append(Made("Observation", id, tree))
        return f"Observation/{id}"


def _parts(line: Line) -> list[tuple[str, list[Line]]]:
    return [(repeat.place, repeat.lines) for repeat in line.repeats]


def _members(references: list[str]) -> Tree:
    return {"hasMember": [{"reference": one} for one in references]} if references else {}


def _marked(owner: Tree, around: bool) -> bool:
    said = [one for one in extension(owner, names.OBSERVATION) if isinstance(one, bool)]
    return said[0] if said else around


def _tagged(item: Item) -> bool:
    return any(_marked(code, False) for code in objects(item.tree.get("code")))


def _codes(item: Item) -> list[Tree]:
    """The codes of an item; where some are marked, those alone."""
    codes = objects(item.tree.get("code"))
    tagged = [code for code in codes if _marked(code, False)]
    return [{k: v for k, v in code.items() if k != "extension"} for code in tagged or codes]


def _number(item: Item, value: Value) -> Tree:
    unit = item.one(names.UNIT)
    if isinstance(unit, dict):
        return {"valueQuantity": {"value": Decimal(value[1]), **unit_of(unit)}}
    if value[0] == "valueInteger":
        return {"valueInteger": value[1]}
    return {"valueQuantity": {"value": value[1]}}


def _coding(item: Item, value: Value) -> Tree:
    return {"valueCodeableConcept": {"coding": [value[1]]}}


def _as(name: str) -> Callable[[Item, Value], Tree]:
    return lambda item, value: {name: value[1]}


def _none(item: Item, value: Value) -> Tree:
    """What an Observation cannot have as its value."""
    return {}


_VALUES: Final[Mapping[str, Callable[[Item, Any], Tree]]] = {
    "valueBoolean": _as("valueBoolean"),
    "valueDecimal": _number,
    "valueInteger": _number,
    "valueDate": _as("valueDateTime"),
    "valueDateTime": _as("valueDateTime"),
    "valueTime": _as("valueTime"),
    "valueString": _as("valueString"),
    "valueUri": _as("valueString"),
    "valueCoding": _coding,
    "valueQuantity": _as("valueQuantity"),
    "valueReference": _none,
    "valueAttachment": _none,
}
