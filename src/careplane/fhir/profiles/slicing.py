"""The repeats of an element, divided into slices and held against them (FHIR R4, 5.1.0.14)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from careplane.fhir.fhirpath import Node
from careplane.fhir.profiles import paths
from careplane.fhir.profiles.criteria.exists import has_existence
from careplane.fhir.profiles.criteria.profile import has_profile
from careplane.fhir.profiles.criteria.type import has_type
from careplane.fhir.profiles.criteria.value import has_value
from careplane.fhir.profiles.finding import Conforming
from careplane.fhir.profiles.places import place
from careplane.fhir.profiles.rules import Discriminator, Rule, Slicing
from careplane.kernel.errors import Issue

Criterion = Callable[[list[Node], list[Rule], Conforming], bool | None]

CRITERIA: Mapping[str, Criterion] = {
    "value": has_value,
    "pattern": has_value,
    "exists": has_existence,
    "type": has_type,
    "profile": has_profile,
}
"""Kind of discriminator -> how it is judged."""

_BY_TYPE = Slicing((Discriminator("type", "$this"),), False, "open")
_BY_URL = Slicing((Discriminator("value", "url"),), False, "open")


def slicing_of(rule: Rule, outer: Slicing | None) -> Slicing:
    """How an element is sliced: as it says, as the slice around it, or as its kind always is."""
    if rule.slicing is not None and rule.slicing.discriminators:
        return rule.slicing
    if outer is not None:
        return outer
    if rule.name in ("extension", "modifierExtension"):
        return _BY_URL
    if rule.slicing is not None:
        return Slicing(
            _BY_TYPE.discriminators if _is_choice(rule) else (),
            rule.slicing.ordered,
            rule.slicing.rules,
        )
    return _BY_TYPE if _is_choice(rule) else Slicing((), False, "open")


def _is_choice(rule: Rule) -> bool:
    return all(one.slice_name.startswith(rule.name) for one in rule.slices)


def divided(items: list[Node], rule: Rule, slicing: Slicing, walk: Conforming) -> list[list[Rule]]:
    """For each item, the slices that it belongs to."""
    return [[one for one in rule.slices if belongs(item, one, slicing, walk)] for item in items]


def belongs(item: Node, slice: Rule, slicing: Slicing, walk: Conforming) -> bool:
    """Whether an item is what a slice is for: all discriminators agree, and one at least tells."""
    told = False
    for one in slicing.discriminators:
        if one.path == "url" and item.type == "Extension":
            answer = _has_url(item, slice, walk)
        else:
            found = paths.nodes(item, one.path, walk)
            answer = CRITERIA.get(one.kind, has_value)(
                found, paths.rules(slice, one.path, walk), walk
            )
        if answer is False:
            return False
        told = told or answer is True
    return told


def _has_url(item: Node, slice: Rule, walk: Conforming) -> bool | None:
    url = item.value.get("url")
    profiles = [p for t in slice.types for p in t.profiles]
    if profiles:
        return any(url == p.partition("|")[0] for p in profiles)
    stated = slice.children.get("url")
    if stated is not None and stated.fixed is not None:
        return bool(url == stated.fixed)
    return bool(url == slice.slice_name)


def slice_issues(
    items: list[Node], owners: list[list[Rule]], rule: Rule, slicing: Slicing, where: str
) -> Iterator[Issue]:
    """What is wrong with how items are divided; `where` is the place of the sliced element."""
    source = f" (by {rule.source})"
    order = {id(one): number for number, one in enumerate(rule.slices)}
    last, after_open = -1, False
    for item, mine in zip(items, owners, strict=True):
        if len(mine) > 1:
            names = ", ".join(one.slice_name for one in mine)
            text = f"This is of more than one slice: {names}{source}"
            yield Issue("error", "structure", text, place(item))
            continue
        if not mine:
            after_open = True
            if slicing.rules == "closed":
                names = ", ".join(one.slice_name for one in rule.slices)
                text = f"This is of none of the slices {names}, and there may be no others{source}"
                yield Issue("error", "invalid", text, place(item))
            continue
        if after_open and slicing.rules == "openAtEnd":
            text = f"What is of no slice must stand at the end{source}"
            yield Issue("error", "invalid", text, place(item))
        number = order[id(mine[0])]
        if slicing.ordered and number < last:
            text = f"Slice {mine[0].slice_name} must stand before the one before it{source}"
            yield Issue("error", "invalid", text, place(item))
        last = max(last, number)
    unclear = {id(one) for mine in owners if len(mine) > 1 for one in mine}
    for one in rule.slices:
        if id(one) not in unclear:
            count = sum(any(o is one for o in mine) for mine in owners)
            yield from counted(one, count, where, f"slice {one.slice_name}")


def counted(rule: Rule, count: int, where: str, what: str) -> Iterator[Issue]:
    """Whether there are as many as there may be."""
    if count < rule.min:
        text = f"At least {rule.min} of {what} must be here, {count} found (by {rule.source})"
        yield Issue("error", "required", text, where)
    if rule.max is not None and count > rule.max:
        text = f"At most {rule.max} of {what} may be here, {count} found (by {rule.source})"
        yield Issue("error", "structure", text, where)
