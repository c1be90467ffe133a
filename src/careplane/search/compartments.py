"""Compartments as plan nodes: what belongs to a patient, an encounter ... (FHIR R4, 2.46)."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache

from careplane.fhir.definitions import compartment
from careplane.kernel.errors import NotFound
from careplane.search.plan import (
    EVERYTHING,
    Chain,
    Keys,
    Node,
    OfType,
    Reference,
    all_of,
    any_of,
)
from careplane.search.registry import Registry
from careplane.search.rows import Param

_BESIDES = {"Task": ("patient",)}
"""What R4 leaves out of the compartment of a Patient although it names the patient: what is asked
of patients, and done for them (docs/clarifications.md)."""

COMPARTMENTS = ("Device", "Encounter", "Patient", "Practitioner", "RelatedPerson")


def compartment_types(name: str) -> frozenset[str]:
    """The types that can be in a compartment, its own type among them."""
    return frozenset(_members(name)) | {name}


def compartment_node(registry: Registry, name: str, id: str, types: Iterable[str]) -> Node:
    """What resources of these types match if they are in the compartment `name`/`id`; a type that
    cannot be in it contributes nothing."""
    wanted = sorted(types)
    here = frozenset({(name, id)})
    nodes: list[Node] = [Keys(here)] if name in wanted else []
    for type in wanted:
        nodes += [Reference(param, here) for param in compartment_params(registry, name, type)]
    return any_of(*dict.fromkeys(nodes))


def compartments_node(registry: Registry, name: str, types: Iterable[str]) -> Node:
    """What resources of these types match if they are in any compartment of this name."""
    members = _members(name)
    nodes: list[Node] = []
    for type in sorted(types):
        if type == name:
            nodes.append(OfType(frozenset({name})))
            continue
        found = (registry.lookup(type, code) for code in members.get(type, ()))
        params = dict.fromkeys(p.param for p in found if p and name in p.targets)
        links = (Chain(param, frozenset({name}), EVERYTHING) for param in params)
        nodes.append(all_of(OfType(frozenset({type})), any_of(*links)))
    return any_of(*nodes)


def compartment_params(registry: Registry, name: str, type: str) -> tuple[Param, ...]:
    """The references by which resources of a type are in a compartment `name`."""
    found = (registry.lookup(type, code) for code in _members(name).get(type, ()))
    return tuple(dict.fromkeys(p.param for p in found if p and name in p.targets))


@cache
def _members(name: str) -> dict[str, tuple[str, ...]]:
    if name not in COMPARTMENTS:
        raise NotFound(
            f"There is no compartment {name[:64]!r}; there are {', '.join(COMPARTMENTS)}"
        )
    return compartment(name) | (_BESIDES if name == "Patient" else {})
