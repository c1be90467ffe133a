"""A check: asked with what is to be prescribed and what the patient has; answers with findings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

from careplane.access.caller import Caller
from careplane.fhir.tree import Tree


class Kind(StrEnum):
    """What a finding is about; the values are codes of v3-ActCode (DetectedIssue.code)."""

    ALLERGY = "ALGY"
    DUPLICATE = "DUPTHPY"
    INTERACTION = "DRG"
    DOSE = "DOSE"


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that stands against it. `severity` is of DetectedIssue; what is high or moderate
    needs a reason to go on. `key` stays the same for the same finding; `says` is a sentence with
    named places that `facts` fill; `source` says who knows it; `implicated` are references."""

    kind: Kind
    severity: str
    key: str
    says: str
    facts: Mapping[str, str]
    source: str
    implicated: tuple[str, ...] = ()
    evidence: tuple[str, ...] = field(default=())

    @property
    def text(self) -> str:
        """In English."""
        return self.says % self.facts

    @property
    def needs_reason(self) -> bool:
        return self.severity in ("high", "moderate")


class Meaning(Protocol):
    """What codes mean, as far as the caller and the code systems that are loaded can tell."""

    async def within(self, pairs: Sequence[tuple[Tree, Tree]]) -> Sequence[bool]:
        """For each pair of CodeableConcepts whether a coding of the first is, or stands below, one
        of the second. False where it cannot be told."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What is to be prescribed, and the record that it is held against: MedicationRequests in use,
    less what it takes the place of, MedicationStatements, and active AllergyIntolerances."""

    caller: Caller
    medication: Tree
    dosage: Tree
    medicines: tuple[Tree, ...]
    allergies: tuple[Tree, ...]
    meaning: Meaning


class Check(Protocol):
    """One kind of look. It changes nothing, and takes no longer than a few searches."""

    async def __call__(self, asked: Asked) -> Sequence[Finding]:
        """What it finds; nothing where all is well, or where it cannot tell."""


def medication_of(tree: Tree) -> Tree:
    """The medicine of a request or statement, as a CodeableConcept; of a reference its words."""
    concept: Tree = tree.get("medicationCodeableConcept", {})
    if concept:
        return concept
    contained = {f"#{c.get('id')}": c for c in tree.get("contained", ())}
    reference = tree.get("medicationReference", {})
    inner = contained.get(str(reference.get("reference", "")), {}).get("code", {})
    return inner or ({"text": reference["display"]} if "display" in reference else {})


def named(concept: Tree) -> str:
    """The words of a concept."""
    codings = concept.get("coding", ())
    shown = (str(c.get("display") or c.get("code", "")) for c in codings)
    return str(concept.get("text") or next(shown, ""))


def place(tree: Tree) -> str:
    """`MedicationRequest/17`."""
    return f"{tree['resourceType']}/{tree['id']}"
