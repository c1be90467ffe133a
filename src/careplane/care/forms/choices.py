"""What can be chosen as an answer: the options of a question, and codes of its value set."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from careplane.care.forms import names
from careplane.care.forms.definition import Form, Item, worded
from careplane.fhir.tree import Tree
from careplane.fhir.validation.forms.values import extension, objects, value_of

MOST: Final = 500
"""Codes of a value set that are offered; a larger set is searched."""
UCUM: Final = "http://unitsofmeasure.org"


@dataclass(frozen=True, slots=True)
class Expansion:
    """Codings of a value set; `is_whole` where these are all of them. Of one that `is_large` they
    are the first, and `chosen` those that were looked up because somebody chose them."""

    codings: Sequence[Tree]
    is_whole: bool = True
    is_large: bool = False
    chosen: tuple[Tree, ...] = ()


Expansions = Mapping[str, Expansion]
"""Canonical of a value set -> what is in it."""
NOTHING: Final = Expansion((), False)


@dataclass(frozen=True, slots=True)
class Option:
    """`key` is what a form sends for it, `value` the answer. `ordinal` is what it counts."""

    key: str
    name: str
    value: Any
    text: str
    is_exclusive: bool = False


def options(item: Item, expansions: Expansions, language: str) -> tuple[Option, ...]:
    """Those of a question, in their order."""
    found = []
    for one in objects(item.tree.get("answerOption")):
        name, value = value_of(one)
        if name:
            is_exclusive = extension(one, names.EXCLUSIVE) == [True]
            plain = isinstance(value, dict)
            text = said(value, language) if plain else worded(one, name, language) or str(value)
            found.append(Option(key_of(value), name, bare(value), text, is_exclusive))
    of = _expansion(item, expansions)
    for coding in of.chosen if of.is_large else of.codings:
        found.append(Option(key_of(coding), "valueCoding", coding, said(coding, language)))
    return tuple(found)


def is_searched(item: Item, expansions: Expansions) -> bool:
    """Whether a question has too many options to list them."""
    return _expansion(item, expansions).is_large


def _expansion(item: Item, expansions: Expansions) -> Expansion:
    return expansions.get(str(item.tree.get("answerValueSet") or ""), NOTHING)


def units(item: Item, expansions: Expansions, language: str) -> tuple[Option, ...]:
    """The units of a quantity; the first is the one that is meant where none is chosen."""
    codings = [*extension(item.tree, names.UNIT_OPTION), *extension(item.tree, names.UNIT)]
    for url in extension(item.tree, *names.UNIT_VALUE_SET):
        codings += expansions.get(str(url), NOTHING).codings
    found = [one for one in codings if isinstance(one, dict)]
    made = (Option(key_of(one), "valueCoding", one, said(one, language)) for one in found)
    return tuple({one.key: one for one in made}.values())


def value_sets(form: Form) -> list[str]:
    """The value sets that a form draws answers and units from."""
    found: dict[str, None] = {}
    for item in form.every:
        url = item.tree.get("answerValueSet")
        found |= {str(url): None} if url else {}
        found |= dict.fromkeys(map(str, extension(item.tree, *names.UNIT_VALUE_SET)))
    return list(found)


def contained(questionnaire: Tree, url: str) -> Tree | None:
    """A value set that stands in the questionnaire, by `#id`."""
    inside = objects(questionnaire.get("contained"))
    return next((one for one in inside if url == f"#{one.get('id')}"), None)


def key_of(value: Any) -> str:
    """What stands for an answer in a form: the same as long as the answer is the same."""
    if isinstance(value, dict):
        if "reference" in value:
            return str(value["reference"])
        return f"{value.get('system') or ''}|{value.get('code') or value.get('display') or ''}"
    return str(value)


def bare(value: Any) -> Any:
    """An option as an answer: without the translations of its name."""
    if not isinstance(value, dict):
        return value
    return {name: one for name, one in value.items() if name != "_display"}


def said(value: Any, language: str) -> str:
    """An option as it is read."""
    if isinstance(value, dict):
        shown = worded(value, "display", language)
        return shown or str(value.get("code") or value.get("reference") or "")
    return str(value)
