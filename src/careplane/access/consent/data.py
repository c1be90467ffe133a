"""What a rule says of data, as plan nodes over one type: class, code, labels, dates, instances.

Each is asked for one effect. Where it cannot be told, a denial applies and a permission does not.
"""

from __future__ import annotations

import re
from functools import cache

from careplane.access.consent.rule import Coded, Datum, Rule
from careplane.access.consent.terms import CONFIDENTIALITY, LEVELS, SECURITY
from careplane.fhir.definitions import is_resource, type_definition
from careplane.search.compartments import compartment_params, compartment_types
from careplane.search.plan import (
    EVERYTHING,
    Chain,
    Coding,
    Date,
    Has,
    Keys,
    Node,
    Not,
    Nothing,
    Prefix,
    Present,
    Reference,
    Token,
    Uri,
    UriMode,
    all_of,
    any_of,
)
from careplane.search.registry import Registry
from careplane.search.rows import Param
from careplane.storage.ports.records import Key

_DATES = ("date", "period", "effective", "occurrence", "authored", "authoredon", "recorded-date")
_WHOSE = ("patient", "subject")
_PATIENT = frozenset({"Patient"})
_OF_ONE = frozenset({"Patient", "AuditEvent"})
_AUTHORS = (
    "author", "performer", "asserter", "recorder", "requester", "sender", "source", "enterer",
    "authenticator", "results-interpreter", "informationprovider",
)  # fmt: skip
_UNCODED = ("status", "identifier", "_tag", "_security", "_id", "gender", "active", "language")


class Data:
    """The nodes, by the search parameters of one registry."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry
        self.about = cache(self._about)
        self._single = cache(self._single_param)
        self._coded = cache(self._coded_params)
        self._date = cache(self._date_param)

    def covered(self, rule: Rule, type: str, *, permits: bool) -> Node:
        """Where the rule applies to resources of the type, as far as its data goes."""
        parts = {
            "classes": self._class(rule.classes, type),
            "codes": self._code(rule.codes, type),
            "labels": self._label(rule.labels, permits=permits),
            "data_period": self._period(rule.data_period, type, permits=permits),
            "data": self._instances(rule.data, type),
        }
        unclear = frozenset() if permits else rule.unclear
        return all_of(*(node for kind, node in parts.items() if kind not in unclear))

    def of(self, type: str, keys: frozenset[Key]) -> Node:
        """Resources of the type that are about one of these patients."""
        if type == "Patient":
            return Keys(keys)
        return any_of(*(Reference(param, keys) for param in self.about(type)))

    def of_others(self, type: str, keys: frozenset[Key]) -> Node:
        """Resources of the type that are about somebody besides these patients."""
        others = Not(Keys(keys)) if keys else EVERYTHING
        return any_of(*(Chain(param, _PATIENT, others) for param in self.about(type)))

    def of_several(self, type: str) -> bool:
        """Whether a resource of the type may be about several patients. An AuditEvent is about one:
        it names besides who did something, and who may be a patient too."""
        return type not in _OF_ONE and self._single(type) is None

    def one_patient(self, type: str, node: Node) -> frozenset[str] | None:
        """The patients that a part of a query allows a resource to be about, and none besides; None
        where it says nothing of that."""
        if type == "Patient" and isinstance(node, Keys):
            return frozenset(id for kind, id in node.keys if kind == "Patient")
        if isinstance(node, Reference) and self._single(type) == node.param:
            return frozenset(id for kind, id in node.targets if kind == "Patient")
        return None

    def _single_param(self, type: str) -> Param | None:
        """The reference that says whose record it is, where a resource has one at most."""
        for code in _WHOSE:
            found = self._registry.lookup(type, code)
            if found and self.about(type) == (found.param,):
                path = re.search(rf"\b{type}\.(\w+)", found.definition.expression)
                element = type_definition(type).elements.get(path[1]) if path else None
                return found.param if element and not element.repeats else None
        return None

    def _about(self, type: str) -> tuple[Param, ...]:
        """The references that say whose record it is: `patient` or `subject`, and where a type has
        neither, all by which it is in the compartment of a patient."""
        if type not in compartment_types("Patient"):
            return ()
        for code in _WHOSE:
            found = self._registry.lookup(type, code)
            if found and "Patient" in found.targets:
                return (found.param,)
        return compartment_params(self._registry, "Patient", type)

    def _class(self, classes: frozenset[str] | None, type: str) -> Node:
        if classes is None or type in classes:
            return EVERYTHING
        profiles = tuple(sorted(one for one in classes if not is_resource(one)))
        return Uri(Param("Resource._profile"), UriMode.EXACT, profiles) if profiles else Nothing()

    def _code(self, codes: frozenset[Coded] | None, type: str) -> Node:
        if codes is None:
            return EVERYTHING
        codings = _as_codings(codes)
        return any_of(*(Token(param, codings) for param in self._coded(type)))

    def _label(self, labels: frozenset[Coded] | None, *, permits: bool) -> Node:
        """Confidentiality is a high-water mark: permitted up to it, denied from it on."""
        if labels is None:
            return EVERYTHING
        levels = [code for system, code in labels if system == CONFIDENTIALITY and code in LEVELS]
        others = frozenset(one for one in labels if one[1] not in levels)
        return all_of(
            _level(levels, permits=permits) if levels else EVERYTHING,
            Token(SECURITY, _as_codings(others)) if others else EVERYTHING,
        )

    def _period(self, period: tuple[int, int] | None, type: str, *, permits: bool) -> Node:
        if period is None:
            return EVERYTHING
        param = self._date(type)
        if param is None:
            return Nothing() if permits else EVERYTHING
        if permits:
            return Date(param, Prefix.EQ, *period)
        return any_of(Not(Present(param)), Date(param, Prefix.AP, *period))

    def _instances(self, data: frozenset[Datum] | None, type: str) -> Node:
        if data is None:
            return EVERYTHING
        return any_of(*(self._instance(*datum, type) for datum in sorted(data)))

    def _instance(self, meaning: str, kind: str, id: str, type: str) -> Node:
        key = frozenset({(kind, id)})
        itself: Node = Keys(key) if kind == type else Nothing()
        references = self._registry.references(type)
        if meaning == "dependents":
            into = dict.fromkeys(p.param for p in references if kind in p.targets)
            return any_of(itself, *(Reference(param, key) for param in into))
        if meaning == "related":
            out = self._registry.references(kind) if is_resource(kind) else ()
            from_it = dict.fromkeys(p.param for p in out if type in p.targets)
            return any_of(itself, *(Has(kind, param, Keys(key)) for param in from_it))
        if meaning == "authoredby":
            by = dict.fromkeys(p.param for p in references if p.code in _AUTHORS)
            return any_of(*(Reference(param, key) for param in by))
        return itself

    def _coded_params(self, type: str) -> tuple[Param, ...]:
        found = (p for p in self._registry.of(type) if p.type == "token" and p.code not in _UNCODED)
        return tuple(dict.fromkeys(q for p in found for q in (p.union or (p.param,))))

    def _date_param(self, type: str) -> Param | None:
        found = (self._registry.lookup(type, code) for code in _DATES)
        return next((p.param for p in found if p and p.type == "date"), None)


def _as_codings(codes: frozenset[Coded]) -> tuple[Coding, ...]:
    known = sorted(codes, key=lambda one: (one[0] or "", one[1]))
    return tuple(Coding(system, code, any_system=system is None) for system, code in known)


def _level(levels: list[str], *, permits: bool) -> Node:
    ranks = [LEVELS.index(level) for level in levels]
    if permits:
        above = LEVELS[max(ranks) + 1 :]
        normal = LEVELS.index("N") <= max(ranks)
        up_to = Not(_labelled(above)) if above else EVERYTHING
        return up_to if normal else all_of(up_to, _labelled(LEVELS[: max(ranks) + 1]))
    from_it = _labelled(LEVELS[min(ranks) :])
    return any_of(from_it, Not(_labelled(LEVELS))) if min(ranks) <= LEVELS.index("N") else from_it


def _labelled(levels: tuple[str, ...]) -> Node:
    return Token(SECURITY, tuple(Coding(CONFIDENTIALITY, level) for level in levels))
