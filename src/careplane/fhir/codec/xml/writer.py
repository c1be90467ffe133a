"""From a tree to XML: elements in the order of the definitions (FHIR R4, 2.1.3.2)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from decimal import Decimal
from itertools import zip_longest
from typing import Any, NoReturn

from careplane.fhir.codec.xml.literal import to_text
from careplane.fhir.codec.xml.narrative import to_xml
from careplane.fhir.codec.xml.shape import FHIR, MAX_DEPTH, Shape, Step, shape
from careplane.fhir.definitions import is_resource
from careplane.fhir.tree import Tree
from careplane.kernel.errors import Invalid, Issue, TooLarge

_HEAD = '<?xml version="1.0" encoding="UTF-8"?>'
# One search tells whether a value needs any care at all.
_CARE = re.compile('[\0-\x1f"&<>\ud800-\udfff\ufffe\uffff]')
_FORBIDDEN = re.compile("[\0-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff]")
_ESCAPES = str.maketrans(
    {
        "&": "&amp;",
        "<": "&lt;",
        ">": "&gt;",
        '"': "&quot;",
        "\t": "&#9;",
        "\n": "&#10;",
        "\r": "&#13;",
        # XML cannot hold these two, validation lets them in, and a record must be readable.
        "\ufffe": "\ufffd",
        "\uffff": "\ufffd",
    }
)


def dump(tree: Tree, *, pretty: bool = False) -> bytes:
    """The XML of a resource. Raises Invalid where the tree is not one, with the place."""
    writer = _Writer("\n" if pretty else "")
    writer.resource(tree, str(tree.get("resourceType", "")), 0, f' xmlns="{FHIR}"')
    return (_HEAD + "".join(writer.parts) + writer.line).encode()


class _Writer:
    """The text so far; `line` is the line break of a pretty output."""

    def __init__(self, line: str) -> None:
        self.parts: list[str] = []
        self.line = line

    def resource(self, tree: Any, where: str, depth: int, attributes: str = "") -> None:
        """One resource, contained ones and entries included."""
        name = tree.get("resourceType") if isinstance(tree, dict) else None
        if not isinstance(name, str) or not is_resource(name):
            _invalid(where, "This is not a resource of FHIR R4")
        rest = {key: value for key, value in tree.items() if key != "resourceType"}
        self._element(name, attributes, rest, shape(name), where, depth)

    def _element(
        self,
        name: str,
        attributes: str,
        tree: Tree,
        known: Shape,
        where: str,
        depth: int,
    ) -> None:
        """An element that has children; those that XML writes as attributes are in it already."""
        if depth > MAX_DEPTH * 2:
            raise TooLarge(f"Elements are nested more than {MAX_DEPTH} deep.")
        pad = self.line and self.line + "  " * depth
        steps = _in_order(tree, known, where)
        if not steps:
            self.parts.append(f"{pad}<{name}{attributes}/>")
            return
        self.parts.append(f"{pad}<{name}{attributes}>")
        for step in steps:
            self._member(step, tree, where, depth + 1)
        self.parts.append(f"{pad}</{name}>")

    def _member(self, step: Step, tree: Tree, where: str, depth: int) -> None:
        where = f"{where}.{step.element}"
        value, beside = tree.get(step.name), tree.get("_" + step.name)
        if not step.many:
            self._value(step, value, beside, where, depth)
            return
        if not isinstance(value, list | None) or not isinstance(beside, list | None):
            _invalid(where, f"'{step.name}' must be an array")
        pairs = zip_longest(value or (), beside or ())
        for index, (one, other) in enumerate(pairs):
            self._value(step, one, other, f"{where}[{index}]", depth)

    def _value(self, step: Step, value: Any, beside: Any, where: str, depth: int) -> None:
        if step.kind == "primitive":
            self._primitive(step.name, value, beside, where, depth)
        elif step.kind == "complex":
            self._complex(step.name, _object(value, where), shape(step.type), where, depth)
        elif step.kind == "resource":
            pad = self.line and self.line + "  " * depth
            self.parts.append(f"{pad}<{step.name}>")
            self.resource(value, where, depth + 1)
            self.parts.append(f"{pad}</{step.name}>")
        else:
            self._narrative(value, where, depth)

    def _primitive(self, name: str, value: Any, beside: Any, where: str, depth: int) -> None:
        text = "" if value is None else f' value="{_attribute(value, where)}"'
        if beside is None:
            pad = self.line and self.line + "  " * depth
            self.parts.append(f"{pad}<{name}{text}/>")
        else:
            self._complex(name, _object(beside, where), shape("Element"), where, depth, text)

    def _complex(
        self,
        name: str,
        tree: Tree,
        known: Shape,
        where: str,
        depth: int,
        attributes: str = "",
    ) -> None:
        rest = tree
        for key in known.attributes:
            if key in tree:
                attributes = f'{attributes} {key}="{_attribute(tree[key], where)}"'
                rest = {k: v for k, v in rest.items() if k != key}
        self._element(name, attributes, rest, known, where, depth)

    def _narrative(self, value: Any, where: str, depth: int) -> None:
        if not isinstance(value, str):
            _invalid(where, "A narrative must be a string")
        pad = self.line and self.line + "  " * depth
        try:
            self.parts.append(pad + to_xml(value))
        except Invalid as error:
            _invalid(where, error.text.rstrip("."))


def _in_order(tree: Tree, known: Shape, where: str) -> list[Step]:
    steps = {step.name: step for step in _steps(tree, known, where)}
    return sorted(steps.values(), key=_position)


def _steps(tree: Tree, known: Shape, where: str) -> Iterator[Step]:
    for key in tree:
        step = known.names.get(key)
        if step is None and key[:1] == "_":
            step = known.names.get(key[1:])
        if step is None:
            _invalid(where, f"'{key[:64]}' is not an element of this type")
        yield step


def _position(step: Step) -> int:
    return step.position


def _object(value: Any, where: str) -> Tree:
    if not isinstance(value, dict):
        _invalid(where, "This must be an object")
    return value


def _attribute(value: Any, where: str) -> str:
    if not isinstance(value, str):
        if not isinstance(value, bool | int | Decimal):
            _invalid(where, "This must be a primitive value")
        return to_text(value)
    if not _CARE.search(value):
        return value
    if _FORBIDDEN.search(value):
        _invalid(where, "The value has a character that XML cannot hold")
    return value.translate(_ESCAPES)


def _invalid(where: str, text: str) -> NoReturn:
    raise Invalid(f"{text}.", issues=(Issue("error", "structure", f"{text}.", where),))
