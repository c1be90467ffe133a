"""What criteria and slicing need of the walk, so that none of them knows it."""

from __future__ import annotations

from typing import Protocol

from careplane.fhir.fhirpath import Environment, Node
from careplane.fhir.profiles.ports import CodeChecker
from careplane.fhir.profiles.reached import Reach
from careplane.fhir.profiles.rules import Program


class Conforming(Protocol):
    """Silent answers: whether, not why."""

    @property
    def environment(self) -> Environment:
        """For expressions."""

    @property
    def reach(self) -> Reach:
        """For references."""

    @property
    def codes(self) -> CodeChecker:
        """For codes."""

    def conforms(self, node: Node, profile: str) -> bool:
        """Whether an element or resource conforms to a profile; yes where nobody knows it."""

    def program(self, canonical: str) -> Program | None:
        """The program of a canonical."""
