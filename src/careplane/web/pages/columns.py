"""Columns and filters of the generic pages, chosen from the search parameters of a type."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache

from careplane.fhir.definitions import SearchParam, search_parameters
from careplane.fhir.tree import Tree
from careplane.web.say.elements import label, say, walk
from careplane.words.catalogues import mark

_FIRST = (
    "code", "name", "family", "patient", "subject", "status", "clinical-status", "date",
    "authoredon", "onset-date", "period", "class", "type", "category", "vaccine-code", "birthdate",
    "gender", "title", "identifier", "value-quantity", "medication", "intent", "start", "created",
    "recorded-date", "based-on", "encounter", "practitioner", "organization", mark("address"),
)  # fmt: skip
"""Parameters by their worth to a reader."""
_PATH = re.compile(r"\(?([A-Z]\w+)\.([A-Za-z]+(?:\.[A-Za-z]+)*)(?:\s+as\s+\w+\)|\.as\(\w+\))?")
_SHOWN = 6
_INPUTS = {"date": "date", "number": mark("number")}


@dataclass(frozen=True, slots=True)
class Column:
    """A search parameter that can be shown: where its value stands."""

    code: str
    title: str
    path: str


@dataclass(frozen=True, slots=True)
class Filter:
    """A search parameter that can be asked for."""

    code: str
    title: str
    kind: str
    hint: str


@cache
def parameters(type: str) -> tuple[SearchParam, ...]:
    """The search parameters of a type, the telling ones first."""
    rank = {code: place for place, code in enumerate(_FIRST)}
    own = [p for p in search_parameters() if type in p.bases]
    return tuple(sorted(own, key=lambda p: (rank.get(p.code, len(rank)), p.code)))


@cache
def columns(type: str) -> tuple[Column, ...]:
    """Up to six columns: parameters whose value is found at a plain path, each path once."""
    found: dict[str, Column] = {}
    for parameter in parameters(type):
        path = _path(type, parameter.expression)
        if path and path not in found and parameter.type not in ("composite", "special"):
            found[path] = Column(parameter.code, label(parameter.code.replace("-", " ")), path)
    return tuple(found.values())[:_SHOWN]


def _path(type: str, expression: str) -> str:
    """The path of a parameter below its type, where the expression is that plain."""
    for part in expression.split("|"):
        match = _PATH.fullmatch(part.strip())
        if match and match[1] == type:
            return match[2]
    return ""


HINTS = {
    "token": mark("code or system|code"),
    "reference": "Type/id",
    "date": mark("date, or ge / le before it"),
    "quantity": mark("number or number|system|unit"),
    "number": mark("number"),
    "uri": mark("address"),
    "string": mark("begins with"),
    "composite": "value$value",
    "special": "",
}


@cache
def filters(type: str) -> tuple[Filter, ...]:
    """A field for each search parameter."""
    return tuple(
        Filter(p.code, label(p.code.replace("-", " ")), p.type, HINTS[p.type])
        for p in parameters(type)
        if not p.code.startswith("_")
    )


def cells(type: str, tree: Tree) -> list[str]:
    """What stands in the columns of one resource."""
    return [_cell(type, tree, column.path) for column in columns(type)]


def _cell(type: str, tree: Tree, path: str) -> str:
    said = [text for kind, value in walk(type, tree, path) if (text := say(kind, value))]
    text = ", ".join(dict.fromkeys(said))
    return text if len(text) <= 90 else text[:88] + "…"
