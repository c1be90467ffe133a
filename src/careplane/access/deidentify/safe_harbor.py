"""Safe Harbor over the tree of a resource (45 CFR 164.514(b)(2)(i)).

By type of element, and what is not named here goes: a list of what may stay cannot forget anything.

  stays       codes and booleans, numbers, quantities without the text of their unit
  coarser     dates as their year, addresses as `areas` has them, ages of 90 and more as 90
  replaced    references, by pseudonyms
  goes        names, telecom, identifiers, photos and attachments, URLs, texts of any kind,
              narrative, displays, times, instants, signatures, positions, extensions,
              contained resources

A backbone with a modifierExtension goes whole, and of a resource with one nothing but its identity
stays: what is left would say something else.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any, TypeAlias

from careplane.access.deidentify.areas import area
from careplane.access.masks.mask import SUBSETTED, labelled
from careplane.fhir.definitions import is_primitive, is_resource, type_definition
from careplane.fhir.tree import Tree

Alias: TypeAlias = Callable[[str, str], str]
"""Type and logical id to the pseudonym."""

OLDEST = 89
"""Years; who is older is of one group."""
_VALUES = "http://terminology.hl7.org/CodeSystem/v3-ObservationValue"
PSEUDED = {"system": _VALUES, "code": "PSEUDED", "display": "pseudonymized"}
_LABELS = {"security": PSEUDED, "tag": SUBSETTED}
_GOES = object()
_PLAIN = frozenset({"boolean", "code", "decimal", "integer", "positiveInt", "unsignedInt"})
_DATES = frozenset({"date", "dateTime"})
_PARTS = frozenset({"CodeableConcept", "Money", "Period", "Range", "Ratio", "Timing", "Dosage"})
"""Data types that are gone through like backbones, element by element."""
_PLACES = frozenset({"Location.position"})
_BIRTH = frozenset({"birthDate", "bornDate"})
_DROPPED = frozenset({"id", "meta", "text", "contained", "implicitRules", "language", "bornPeriod"})
_OF_A_YEAR = {
    **dict.fromkeys(("a", "year", "years", "yr", "yrs"), 1),
    **dict.fromkeys(("mo", "month", "months"), 12),
    **dict.fromkeys(("wk", "week", "weeks"), 52),
    **dict.fromkeys(("d", "day", "days"), 365),
}
"""How many of a unit of time are in a year."""
_AGES = frozenset({"21611-9", "21612-7", "29553-5", "30525-0", "63900-5"})
"""LOINC: the age of a patient, estimated, reported, calculated, or without a method."""
_REFERENCE = re.compile(r"(?:.*/)?([A-Z][A-Za-z]+)/([A-Za-z0-9\-.]{1,64})(?:/_history/[^/]+)?")
_YEAR = re.compile(r"[0-9]{4}")


class SafeHarbor:
    """For one study. `year` is the one in which it is asked; `base` the address of this server, by
    which absolute references to its own resources are known."""

    def __init__(self, alias: Alias, year: int, base: str = "") -> None:
        self._alias = alias
        self._year = year
        self._base = f"{base}/" if base else ""

    def resource(self, tree: Tree) -> Tree:
        """The resource without what names somebody; its id and meta are for whoever knows them:
        `meta.security` alone is kept here."""
        type = str(tree["resourceType"])
        head: Tree = {"resourceType": type}
        labels = self._parts("Coding", tree.get("meta", {}).get("security"))
        if labels is not _GOES:
            head["meta"] = {"security": labels}
        whole = {} if "modifierExtension" in tree else tree
        rest = {name: value for name, value in whole.items() if name not in _DROPPED}
        body = self._members(type, rest)
        return labelled({**head, **body}, _LABELS)

    def _members(self, type: str, tree: Tree) -> Tree:
        names = type_definition(type).json_names
        kept: Tree = {}
        for name, value in tree.items():
            known = names.get(name)
            if known is None:
                continue
            found = self._parts(known[1], value, name)
            if found is not _GOES:
                kept[name] = found
        if kept.get("valueInteger", 0) > OLDEST and _is_age(kept):
            del kept["valueInteger"]
        return kept

    def _parts(self, type: str, value: Any, name: str = "") -> Any:
        if not isinstance(value, list):
            return self._one(type, value, name)
        parts = [self._one(type, part, name) for part in value]
        kept = [part for part in parts if part is not _GOES]
        return kept or _GOES

    def _one(self, type: str, value: Any, name: str) -> Any:
        if value is None or type in _PLACES:
            return _GOES
        if is_primitive(type):
            return self._primitive(type, value, name)
        if not isinstance(value, dict):
            return _GOES
        if type == "Reference":
            return self._reference(value) or _GOES
        if type in _SPECIAL:
            return _SPECIAL[type](value) or _GOES
        if "." in type or type in _PARTS:
            return self._group(type, value)
        return _GOES

    def _primitive(self, type: str, value: Any, name: str) -> Any:
        if type in _PLAIN:
            return value
        if type in _DATES and isinstance(value, str):
            year = _YEAR.match(value)
            if year is None or (name in _BIRTH and self._year - int(year[0]) > OLDEST):
                return _GOES
            return year[0]
        return _GOES

    def _group(self, type: str, value: Tree) -> Any:
        if "modifierExtension" in value:
            return _GOES
        return self._members(type, value) or _GOES

    def _reference(self, value: Tree) -> Tree:
        text = value.get("reference")
        if not isinstance(text, str):
            return {}
        if self._base:
            text = text.removeprefix(self._base)
        found = _REFERENCE.fullmatch(text)
        if found is None or "://" in text or not is_resource(found[1]):
            return {}
        return {"reference": f"{found[1]}/{self._alias(found[1], found[2])}"}


def _is_age(observed: Tree) -> bool:
    codings = observed.get("code", {}).get("coding", ())
    return any(coding.get("code") in _AGES for coding in codings)


def _coding(value: Tree) -> Tree:
    """System and code; not its display, which may say anything."""
    return {name: value[name] for name in ("system", "code") if name in value}


def _quantity(value: Tree) -> Tree:
    """Value, comparator and coded unit; ages beyond the oldest as one group."""
    kept: Tree = {n: value[n] for n in ("value", "comparator", "system", "code") if n in value}
    unit = _OF_A_YEAR.get(str(value.get("code", value.get("unit", ""))).lower())
    number = value.get("value")
    if unit and isinstance(number, int | Decimal) and number > OLDEST * unit:
        kept |= {"value": (OLDEST + 1) * unit, "comparator": ">="}
    return kept


_SPECIAL: Mapping[str, Callable[[Tree], Tree]] = {
    "Coding": _coding,
    "Address": area,
    **dict.fromkeys(("Quantity", "Age", "Count", "Distance", "Duration"), _quantity),
}
