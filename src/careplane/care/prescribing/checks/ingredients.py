"""Ingredients and their classes by name: the last resort where no code tells.

`ingredients.json` lists international and American names of common medicines by class, and what
classes do to each other. It is a short list of well-known facts and no substitute for a knowledge
base that an institution loads (`loaded`).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

from careplane.care.prescribing.checks.port import named
from careplane.fhir.tree import Tree

_ATC: Final = "http://www.whocc.no/atc"
_WORD: Final = re.compile(r"[^\W\d_]{4,}")


@dataclass(frozen=True, slots=True)
class Pair:
    """Two classes or ingredients that act on each other."""

    one: str
    other: str
    severity: str
    effect: str


@cache
def _table() -> dict[str, Any]:
    text = Path(__file__).with_name("ingredients.json").read_text("utf-8")
    return dict(json.loads(text))


@cache
def _by_name() -> dict[str, frozenset[str]]:
    """Ingredient → its classes."""
    found: dict[str, set[str]] = {}
    for group, members in _table()["classes"].items():
        for name in members:
            found.setdefault(name, set()).add(group)
    return {name: frozenset(groups) for name, groups in found.items()}


@cache
def _pattern() -> re.Pattern[str]:
    names = sorted((*_by_name(), *_table()["classes"]), key=len, reverse=True)
    return re.compile(rf"\b({'|'.join(map(re.escape, names))})s?\b")


@cache
def pairs() -> tuple[Pair, ...]:
    """The interactions that are known here."""
    return tuple(Pair(**one) for one in _table()["interactions"])


def ingredients(concept: Tree) -> frozenset[str]:
    """Names of the list that stand in the words of a concept: ingredients, or classes."""
    return frozenset(_pattern().findall(_words(concept)))


def classes(names: Iterable[str]) -> frozenset[str]:
    """The classes that ingredients belong to, and those among the names themselves."""
    known = _by_name()
    groups = _table()["classes"]
    return frozenset().union(*(known.get(n, frozenset()) | ({n} & groups.keys()) for n in names))


def therapeutic(names: Iterable[str]) -> frozenset[str]:
    """The same, less what is grouped by an effect alone: those are not used for the same."""
    return classes(names) - frozenset(_table()["by_effect"])


def crossing(group: str) -> frozenset[str]:
    """Classes that whoever is allergic to this one may react to."""
    return frozenset(_table()["cross_reactive"].get(group, ()))


def salient(concept: Tree) -> frozenset[str]:
    """Words that may name an ingredient: what is left when forms and salts are taken out."""
    return frozenset(_WORD.findall(_words(concept))) - frozenset(_table()["forms"])


def atc(concept: Tree) -> frozenset[str]:
    """Its ATC codes: five characters of them name a chemical subgroup, seven a substance."""
    codings = concept.get("coding", ())
    return frozenset(str(c.get("code", "")) for c in codings if c.get("system") == _ATC)


def _words(concept: Tree) -> str:
    shown = (str(c.get("display", "")) for c in concept.get("coding", ()))
    return "\n".join((named(concept), *shown)).casefold()
