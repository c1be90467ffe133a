"""Resources of any type, by the elements that questions name (SDC, Definition-based extraction).

`definitionExtract`, or itemExtractionContext with a type, on the questionnaire or an item begins a
resource; below it `item.definition` (`…/StructureDefinition/Patient#Patient.name.given`) says where
an answer goes. A group with a definition is one element, and what is below stands in it. An answer
for the element `id` means that the resource is there, and is changed.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from careplane.care.forms import names
from careplane.care.forms.extracting.made import Made, id_of
from careplane.care.forms.sheet import Line, Sheet, Value
from careplane.care.forms.writing import has_answer, skeleton
from careplane.fhir.definitions import RESOURCE_TYPES, type_definition
from careplane.fhir.fhirpath.items import type_of
from careplane.fhir.fhirpath.node import Node
from careplane.fhir.tree import Tree
from careplane.fhir.validation.forms.expressions import Expressions, fhirpath
from careplane.fhir.validation.forms.values import extension, objects, value_of
from careplane.kernel.errors import Invalid, Issue

_PLAIN: Final = {"Boolean": "valueBoolean", "Integer": "valueInteger", "Decimal": "valueDecimal"}
_R4: Final = "http://hl7.org/fhir/StructureDefinition/"


def definitions(sheet: Sheet, response: Tree) -> list[Made]:
    """Raises Invalid for a definition that names no element of R4."""
    whole = skeleton(sheet, response)
    making = _Making(str(response["id"]), Expressions(whole, sheet.form.tree))
    root = making.begin(sheet.form.tree, "", whole)
    making.lines(sheet.lines, root)
    return making.finished()


@dataclass
class _Building:
    """A resource in the making. `path` leads to the element that we are in, `inside` is it."""

    type: str
    place: str
    tree: Tree
    path: tuple[str, ...]
    inside: Tree
    given: bool = False

    def within(self, path: tuple[str, ...], inside: Tree) -> _Building:
        return _Building(self.type, self.place, self.tree, path, inside)


class _Making:
    def __init__(self, response: str, expressions: Expressions) -> None:
        self.response = response
        self.expressions = expressions
        self.all: list[_Building] = []

    def begin(self, owner: Tree, place: str, given: Tree) -> _Building | None:
        """A resource, where an item says that one begins here; `given` is that item in the
        response, or the response."""
        type = _type(owner)
        if not type:
            return None
        tree: Tree = {"resourceType": type}
        building = _Building(type, place, tree, (type,), tree)
        self.all.append(building)
        for one in objects(owner.get("extension")):
            if one.get("url") == names.DEFINITION_VALUE:
                parts = {str(p.get("url")): value_of(p) for p in objects(one.get("extension"))}
                path = _path(str(parts.get("definition", ("", ""))[1]), building)
                value = parts.get("fixed-value") or self._value(parts.get("expression"), given)
                if path and value:
                    _put(building, path, value)
        return building

    def _value(self, expression: tuple[str, Any] | None, given: Tree) -> Value | None:
        type = "QuestionnaireResponse" if "resourceType" in given else "QuestionnaireResponse.item"
        text = fhirpath(expression[1]) if expression else None
        found = self.expressions.evaluated(text, given, type, self.expressions.names)
        if not found:
            return None
        one = found[0]
        if isinstance(one, Node):
            return f"value{one.type[:1].upper()}{one.type[1:]}", one.value
        return _PLAIN.get(type_of(one).name, "valueString"), one if isinstance(
            one, bool | int | Decimal
        ) else str(one)

    def lines(self, lines: list[Line], around: _Building | None) -> None:
        for line in lines:
            if not line.is_asked:
                continue
            for repeat in line.repeats:
                here = self.begin(line.item.tree, repeat.place, repeat.tree) or around
                self.lines(repeat.lines, self._group(line, here))
            for n, entry in enumerate(line.entries):
                if entry.value is None:
                    continue
                here = self.begin(line.item.tree, f"{line.place}/{n}", line.tree) or around
                path = _path(line.item.tree.get("definition"), here)
                if here is not None and path:
                    _put(here, path, entry.value)
                    self._note(here)
                self.lines(entry.lines, here)

    def _group(self, line: Line, here: _Building | None) -> _Building | None:
        path = _path(line.item.tree.get("definition"), here)
        if here is None or not path or not has_answer(line, asked=True):
            return here
        return here.within((*here.path, *path), _at(here, path, fresh=True))

    def _note(self, here: _Building) -> None:
        """That something was answered for this resource; what has fixed values alone is none."""
        for one in self.all:
            if one.tree is here.tree:
                one.given = True

    def finished(self) -> list[Made]:
        made = []
        for one in self.all:
            if not one.given:
                continue
            tree = _pruned(one.tree)
            id = tree.pop("id", "")
            known = isinstance(id, str) and bool(id)
            made.append(
                Made(
                    one.type,
                    str(id) if known else id_of(self.response, one.type, one.place),
                    tree,
                    is_update=known,
                )
            )
        return made


def _type(owner: Tree) -> str:
    """The type of the resource that begins at an item; empty where none does."""
    for one in objects(owner.get("extension")):
        if one.get("url") == names.DEFINITION:
            parts = {str(p.get("url")): value_of(p)[1] for p in objects(one.get("extension"))}
            return _known(str(parts.get("definition", "")).removeprefix(_R4))
    for value in extension(owner, names.EXTRACTION):
        if isinstance(value, str):
            return _known(value)
        if isinstance(value, dict):
            return _known(str(value.get("expression", "")).partition("?")[0])
    return ""


def _known(type: str) -> str:
    if type not in RESOURCE_TYPES:
        raise _refusal("The form makes resources of a type that R4 does not have.")
    return type


def _refusal(text: str) -> Invalid:
    return Invalid(text, issues=(Issue("error", "not-supported", text, "Questionnaire.item"),))


def _path(definition: object, here: _Building | None) -> tuple[str, ...]:
    """Where an answer goes, from the element that we are in; empty for one of another resource."""
    if here is None or not isinstance(definition, str) or "#" not in definition:
        return ()
    steps = tuple(step.partition(":")[0] for step in definition.partition("#")[2].split("."))
    if steps[: len(here.path)] != here.path:
        return ()
    return steps[len(here.path) :]


def _element(type: str, step: str) -> tuple[str, str, bool]:
    """JSON name, type and whether it repeats, of a step such as `name`, `value[x]` or
    `valueQuantity`. Raises Invalid."""
    try:
        elements = type_definition(type).elements
    except KeyError:
        elements = {}
    for element in elements.values():
        if step == element.name or step.removesuffix("[x]") == element.name:
            name, kind = next(iter(element.json_names.items()))
            return ("" if element.choice else name), kind, element.repeats
        if step in element.json_names:
            return step, element.json_names[step], element.repeats
    raise _refusal("A question of this form stands for an element that R4 does not have.")


def _at(here: _Building, path: tuple[str, ...], *, fresh: bool = False) -> Tree:
    """The element at a path, made where it is not there; `fresh` where the last step repeats and
    one more is wanted."""
    inside, type = here.inside, _type_at(here)
    for n, step in enumerate(path):
        name, type, repeats = _element(type, step)
        if repeats:
            rows = inside.setdefault(name, [])
            if not rows or (fresh and n == len(path) - 1):
                rows.append({})
            inside = rows[-1]
        else:
            inside = inside.setdefault(name, {})
    return inside


def _type_at(here: _Building) -> str:
    type = here.path[0]
    for step in here.path[1:]:
        _, type, _ = _element(type, step)
    return type


def _put(here: _Building, path: tuple[str, ...], value: Value) -> None:
    """An answer at its place; in an element that repeats, beside those that are there."""
    around = _at(here, path[:-1])
    type = _type_at(here)
    for step in path[:-1]:
        _, type, _ = _element(type, step)
    name, kind, repeats = _element(type, path[-1])
    name, made = _fitted(name, kind, path[-1], value)
    if repeats:
        around.setdefault(name, []).append(made)
    else:
        around[name] = made


def _fitted(name: str, kind: str, step: str, value: Value) -> tuple[str, Any]:
    """An answer in the type of its element."""
    given, found = value
    if not name:  # a choice: the answer says which
        stem = step.removesuffix("[x]")
        if given == "valueCoding":
            return f"{stem}CodeableConcept", {"coding": [found]}
        return stem + given.removeprefix("value"), found
    if given == "valueCoding" and isinstance(found, dict):
        plain = {k: v for k, v in found.items() if k != "extension"}
        shapes = {"CodeableConcept": {"coding": [plain]}, "Coding": plain}
        return name, shapes.get(kind, found.get("code"))
    if kind == "CodeableConcept":
        return name, {"text": str(found)}
    if kind == "Annotation":
        return name, {"text": str(found)}
    if kind == "Quantity" and not isinstance(found, dict):
        return name, {"value": found}
    if kind in ("dateTime", "instant", "date") and isinstance(found, str):
        return name, found[:10] if kind == "date" else found
    return name, found


def _pruned(tree: Any) -> Any:
    """Without elements in which nothing is."""
    if isinstance(tree, dict):
        found = {name: _pruned(value) for name, value in tree.items()}
        return {name: value for name, value in found.items() if value not in ({}, [], None)}
    if isinstance(tree, list):
        return [one for one in map(_pruned, tree) if one not in ({}, [], None)]
    return tree
