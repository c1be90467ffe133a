"""The elements of a StructureDefinition as rows of a tree (FHIR R4, 5.3 ElementDefinition)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from careplane.fhir.codec import json
from careplane.fhir.tree import Tree
from careplane.web.i18n import mark
from careplane.web.say.canonicals import definition, structure

_INHERITED = frozenset(("ele-1", "ext-1"))
"""Constraints that stand at nearly every element."""
_VALUES = {"fixed": mark("Fixed value"), "pattern": mark("Pattern")}
_LONGEST = 400
_CHANGES = {
    "min": mark("cardinality"),
    "max": mark("cardinality"),
    "type": mark("type"),
    "binding": mark("binding"),
    "slicing": mark("slicing"),
    "sliceName": mark("slice"),
    "mustSupport": mark("must support"),
    "constraint": mark("constraint"),
    "short": mark("words"),
    "definition": mark("words"),
    "comment": mark("words"),
    "requirements": mark("words"),
}
_SILENT = ("id", "path", "mapping", "alias", "condition", "base", "extension")


@dataclass(frozen=True, slots=True)
class Link:
    """A name and where it leads."""

    text: str
    href: str


@dataclass(frozen=True, slots=True)
class Kind:
    """A type that an element may have, with its profiles, and what a reference may point to."""

    link: Link
    profiles: tuple[Link, ...] = ()
    targets: tuple[Link, ...] = ()


@dataclass(frozen=True, slots=True)
class Row:
    """An element. `level` is how deep it stands; `changes` are the words for what differs from the
    base, empty where nothing does; `values` are the fixed values and patterns, as JSON."""

    id: str
    name: str
    slice: str
    level: int
    cardinality: str
    kinds: tuple[Kind, ...]
    short: str
    must_support: bool = False
    modifier: bool = False
    summary: bool = False
    strength: str = ""
    value_set: Link | None = None
    slicing: str = ""
    values: tuple[tuple[str, str], ...] = ()
    constraints: tuple[tuple[str, str], ...] = ()
    text: str = ""
    changes: tuple[str, ...] = ()


Change = tuple[Tree, Tree]
"""An element of the base, and that of the differential which changes it."""


def rows(elements: Iterable[Tree], changed: Mapping[str, Change]) -> list[Row]:
    """The rows of a snapshot; `changed` by the id of the element."""
    return [_row(element, changed.get(_id(element), ({}, {}))) for element in elements]


def differences(rows: Iterable[Row]) -> list[Row]:
    """The rows that differ, and those that lead to them."""
    listed = list(rows)
    kept: set[str] = set()
    for row in listed:
        if row.changes:
            kept |= set(_around(row.id))
    return [row for row in listed if row.id in kept]


def changes(found: Iterable[Change]) -> dict[str, Change]:
    """Changes by the id of the element."""
    return {_id(change): (before, change) for before, change in found}


def bindings(tree: Tree, value_set: str) -> Iterator[tuple[str, str]]:
    """The id and the strength of each element that a definition itself binds to a value set."""
    part = tree.get("differential") or tree.get("snapshot") or {}
    for element in part.get("element") or ():
        binding = element.get("binding") or {}
        if str(binding.get("valueSet", "")).partition("|")[0] == value_set:
            yield _id(element), str(binding.get("strength", ""))


def _around(id: str) -> Iterator[str]:
    parts = id.split(".")
    for size in range(1, len(parts) + 1):
        whole = ".".join(parts[:size])
        yield whole
        head, colon, _ = whole.rpartition(":")
        if colon and "." not in whole[len(head) :]:
            yield head


def _id(element: Tree) -> str:
    return str(element.get("id") or element.get("path", ""))


def _row(element: Tree, change: Change) -> Row:
    id = _id(element)
    binding = element.get("binding") or {}
    value_set = str(binding.get("valueSet", ""))
    path = str(element.get("path", ""))
    return Row(
        id,
        path.rpartition(".")[2],
        str(element.get("sliceName", "")),
        id.count(".") + id.count(":"),
        f"{element.get('min', 0)}..{element.get('max', '*')}",
        tuple(_kind(one) for one in element.get("type", ())),
        str(element.get("short", "")),
        bool(element.get("mustSupport")),
        bool(element.get("isModifier")),
        bool(element.get("isSummary")),
        str(binding.get("strength", "")),
        Link(value_set, definition("ValueSet", value_set)) if value_set else None,
        _slicing(element.get("slicing") or {}),
        tuple(_values(element)),
        tuple(
            (str(one.get("key", "")), str(one.get("human", "")))
            for one in element.get("constraint", ())
            if one.get("key") not in _INHERITED
        ),
        str(element.get("definition", "")),
        tuple(dict.fromkeys(_changed(*change))),
    )


def _kind(type: Tree) -> Kind:
    code = str(type.get("code", ""))
    name = code.rpartition("/")[2]  # FHIRPath's own types are URLs
    link = Link(name, structure(code) if name == code else "")
    return Kind(link, _links(type.get("profile")), _links(type.get("targetProfile")))


def _links(canonicals: Any) -> tuple[Link, ...]:
    return tuple(Link(str(one).rpartition("/")[2], structure(str(one))) for one in canonicals or ())


def _slicing(slicing: Tree) -> str:
    if not slicing:
        return ""
    by = (f"{d.get('type')}:{d.get('path')}" for d in slicing.get("discriminator", ()))
    ordered = " ordered" if slicing.get("ordered") else ""
    return f"{', '.join(by) or '–'} ({slicing.get('rules', '')}{ordered})"


def _values(element: Tree) -> Iterator[tuple[str, str]]:
    for name, value in element.items():
        for prefix, said in _VALUES.items():
            if name.startswith(prefix):
                text = value if isinstance(value, str) else json.dump(value).decode()
                yield said, text if len(text) <= _LONGEST else text[:_LONGEST] + "…"


def _changed(before: Tree, change: Tree) -> Iterator[str]:
    for name, value in change.items():
        if value == before.get(name, False):  # False is what nothing said means
            continue
        if name in _CHANGES:
            yield _CHANGES[name]
        elif name.startswith(tuple(_VALUES)):
            yield mark("value")
        elif name not in _SILENT:
            yield mark("more")
