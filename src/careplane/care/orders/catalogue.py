"""What can be ordered: ActivityDefinitions and order sets of the institution, or those that ship.

An institution's own are active ActivityDefinitions of kind ServiceRequest, whose `topic` is the
category, and PlanDefinitions of the type order-set whose actions name them. Where it has none, the
list of `catalogue.json` is offered, and those who run the server replace it by loading their own.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

from careplane.access.caller import Caller
from careplane.care import asking
from careplane.fhir.tree import Tree
from careplane.records.door import Door
from careplane.words.catalogues import gettext

ORDERED: Final = "urn:careplane:order"
"""Codes of what ships and has none of LOINC: the same in every language."""
SNOMED: Final = "http://snomed.info/sct"
CATEGORIES: Final = {
    "laboratory": ("108252007", "Laboratory procedure"),
    "imaging": ("363679005", "Imaging"),
    "procedure": ("387713003", "Surgical procedure"),
    "referral": ("3457005", "Patient referral"),
}
"""Kinds of orders, by the codes of ServiceRequest.category."""
_MOST: Final = 500


@dataclass(frozen=True, slots=True)
class Item:
    """One thing that can be ordered. `key` names it in forms; `canonical` is the definition that
    it comes from, empty for those that ship, which are said in the language of who reads them;
    `need` says what is needed, such as fasting."""

    key: str
    kind: str
    concept: Tree
    need: str = ""
    canonical: str = ""
    ships: bool = False

    @property
    def title(self) -> str:
        codings = self.concept.get("coding", ())
        shown = (str(c.get("display") or c.get("code", "")) for c in codings)
        title = str(self.concept.get("text") or next(shown, ""))
        return gettext(title) if self.ships else title

    @property
    def hint(self) -> str:
        return gettext(self.need) if self.ships else self.need


@dataclass(frozen=True, slots=True)
class Set:
    """Items that are ordered together."""

    key: str
    name: str
    items: tuple[str, ...]
    ships: bool = False

    @property
    def title(self) -> str:
        return gettext(self.name) if self.ships else self.name


@dataclass(frozen=True, slots=True)
class Catalogue:
    """Everything that is offered, by key."""

    items: dict[str, Item]
    sets: dict[str, Set]

    def of(self, kind: str, text: str = "") -> list[Item]:
        """Items of a kind, whose title has every word at the begin of a word."""
        words = text.casefold().split()
        return [item for item in self.items.values()
                if item.kind == kind and _has(item.title, words)]  # fmt: skip

    def sets_of(self, kind: str) -> list[Set]:
        """Order sets that have an item of this kind."""
        return [one for one in self.sets.values()
                if any(self.items[key].kind == kind for key in one.items)]  # fmt: skip


async def catalogue(door: Door, caller: Caller) -> Catalogue:
    """The institution's own, or that which ships."""
    active = [("status", "active"), ("_count", str(_MOST))]
    definitions, plans = await asking.several(
        door, caller, ("ActivityDefinition", active),
        ("PlanDefinition", [("type", "order-set"), *active]),
    )  # fmt: skip
    items = {item.key: item for item in _own(definitions)}
    if not items:
        return shipped()
    by_canonical = {item.canonical: item.key for item in items.values() if item.canonical}
    sets = {}
    for plan in plans:
        keys = [by_canonical.get(str(a.get("definitionCanonical", "")).partition("|")[0], "")
                for a in plan.get("action", ())]  # fmt: skip
        if any(keys):
            key = f"set-{plan['id']}"
            title = str(plan.get("title") or plan.get("name") or key)
            sets[key] = Set(key, title, tuple(filter(None, keys)))
    return Catalogue(items, sets)


def _own(definitions: Iterable[Tree]) -> Iterable[Item]:
    for tree in definitions:
        kind = _kind(tree)
        concept = tree.get("code") or {"text": tree.get("title") or tree.get("name", "")}
        if tree.get("kind") == "ServiceRequest" and kind:
            hint = str(tree.get("usage") or tree.get("subtitle", ""))
            yield Item(f"own-{tree['id']}", kind, concept, hint, str(tree.get("url", "")))


def _kind(tree: Tree) -> str:
    codes = {c.get("code") for topic in tree.get("topic", ()) for c in topic.get("coding", ())}
    words = {str(topic.get("text", "")).casefold() for topic in tree.get("topic", ())}
    known = ((kind, code) for kind, (code, _) in CATEGORIES.items())
    return next((kind for kind, code in known if code in codes or kind in words), "")


@cache
def shipped() -> Catalogue:
    """The list that comes with Careplane."""
    text = Path(__file__).with_name("catalogue.json").read_text("utf-8")
    read: dict[str, Any] = json.loads(text)
    items = {one["key"]: _shipped(one) for one in read["items"]}
    sets = {
        one["key"]: Set(one["key"], one["title"], tuple(one["items"]), ships=True)
        for one in read["sets"]
    }
    return Catalogue(items, sets)


def _shipped(one: dict[str, Any]) -> Item:
    codes = [{"system": ORDERED, "code": one["key"], "display": one["title"]}]
    if "loinc" in one:
        codes = [{"system": "http://loinc.org", "code": one["loinc"]}]
    concept: Tree = {"coding": codes, "text": one["title"]}
    return Item(one["key"], one["kind"], concept, one.get("hint", ""), ships=True)


@cache
def _titles() -> frozenset[str]:
    return frozenset(str(one.concept["text"]) for one in shipped().items.values())


def spoken(title: str) -> str:
    """What was ordered, in the language of who reads it where it ships; orders keep one name."""
    return gettext(title) if title in _titles() else title


def _has(title: str, words: list[str]) -> bool:
    parts = title.casefold().replace("(", " ").split()
    return all(any(part.startswith(word) for part in parts) for word in words)
