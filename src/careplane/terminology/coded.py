"""What $validate-code is asked about: codes, and how the answer calls their places."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from careplane.fhir.tree import Tree
from careplane.kernel.errors import Incorrect
from careplane.terminology.versions import joined

Form = Literal["code", "coding", "codeableConcept"]


@dataclass(frozen=True, slots=True)
class Coding:
    """One code. `place` is where it stands in what was sent, empty for parameters by themselves."""

    system: str
    version: str
    code: str
    display: str = ""
    place: str = ""

    def at(self, element: str) -> str:
        """Where an element of it stands."""
        return f"{self.place}.{element}" if self.place else element

    @property
    def whole(self) -> str:
        """Where it stands itself; the code where it came as parameters."""
        return self.place or "code"

    @property
    def named(self) -> str:
        """`system|version#code ('display')`."""
        text = f"{joined(self.system, self.version)}#{self.code}"
        return f"{text} ('{self.display}')" if self.display else text


@dataclass(frozen=True, slots=True)
class Coded:
    """The codes of one question; one of a CodeableConcept has to be right."""

    form: Form
    codings: tuple[Coding, ...]
    concept: Tree | None = None


def coding_of(tree: Tree, place: str) -> Coding:
    """A Coding that was sent. Raises Incorrect where a part of it is no text."""
    system, version, code, display = (
        tree.get(name, "") for name in ("system", "version", "code", "display")
    )
    if not all(isinstance(part, str) for part in (system, version, code, display)):
        raise Incorrect(f"{place}: system, version, code and display are texts.")
    return Coding(system, version, code, display, place)


def concept_of(tree: Tree) -> Coded:
    """A CodeableConcept that was sent."""
    codings = tree.get("coding", []) if isinstance(tree, dict) else None
    if not isinstance(codings, list) or not all(isinstance(c, dict) for c in codings):
        raise Incorrect("CodeableConcept.coding is a list of codings.")
    found = (coding_of(c, f"CodeableConcept.coding[{i}]") for i, c in enumerate(codings))
    return Coded("codeableConcept", tuple(found), tree)
