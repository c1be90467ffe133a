"""Who takes part in a thread: references with names, and which of them somebody is. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from careplane.access.caller import Caller, acts_as_patient
from careplane.fhir.tree import Tree

PATIENTS = ("Patient", "RelatedPerson")
POOLS = ("HealthcareService", "CareTeam", "Organization", "Group")
_SENDERS = (
    "Practitioner", "PractitionerRole", "Patient", "RelatedPerson", "Device", "Organization",
    "HealthcareService",
)  # fmt: skip
_REFERENCES = tuple(f"{type}/" for type in (*_SENDERS, *POOLS))


@dataclass(frozen=True, slots=True)
class Party:
    """A person or a pool, by reference and name."""

    reference: str
    name: str = ""

    @property
    def type(self) -> str:
        return self.reference.partition("/")[0]

    @property
    def is_patient(self) -> bool:
        """Whether it is the patient, or who acts for them."""
        return self.type in PATIENTS

    @property
    def is_pool(self) -> bool:
        """Whether several answer for it."""
        return self.type in POOLS

    def tree(self) -> Tree:
        """As a Reference; who is no clinical resource, such as an app, has a name alone."""
        named: Tree = {"display": self.name} if self.name else {}
        return {"reference": self.reference, **named} if self.type in _SENDERS + POOLS else named


NOBODY = Party("")


@dataclass(frozen=True, slots=True)
class Asker:
    """Who asks: `names` are the references that stand for them, pools of theirs included."""

    me: Party
    is_patient: bool
    names: frozenset[str]
    pools: tuple[Party, ...] = ()

    @property
    def references(self) -> list[str]:
        """Those of the names that are of resources, sorted: an app that acts for itself has none,
        so it takes part in nothing."""
        return sorted(one for one in self.names if one.startswith(_REFERENCES))

    def among(self, references: Iterable[str]) -> bool:
        """Whether one of these stands for them."""
        return not self.names.isdisjoint(references)


def asker(caller: Caller, pools: tuple[Party, ...] = (), roles: Iterable[str] = ()) -> Asker:
    """A caller with the pools and the PractitionerRoles that are theirs."""
    names = {caller.id, *roles, *(pool.reference for pool in pools)}
    is_patient = acts_as_patient(caller)
    if is_patient and caller.patient:
        names.add(f"Patient/{caller.patient}")
    return Asker(Party(caller.id, caller.name), is_patient, frozenset(names), pools)


def party(reference: object) -> Party:
    """Of a Reference."""
    tree: Tree = reference if isinstance(reference, dict) else {}
    return Party(str(tree.get("reference", "")), str(tree.get("display", "")))


def parties(references: object) -> tuple[Party, ...]:
    """Of a list of References."""
    return tuple(map(party, references)) if isinstance(references, list) else ()


def together(*found: Party) -> list[Tree]:
    """As References, each once."""
    kept: dict[str, Party] = {}
    for one in found:
        if one.reference and not (one.reference in kept and not one.name):
            kept[one.reference] = one
    return [one.tree() for one in kept.values()]
