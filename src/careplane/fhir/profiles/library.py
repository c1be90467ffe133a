"""Programs by canonical: each StructureDefinition is compiled once, and kept."""

from __future__ import annotations

from careplane.fhir.profiles.compiling import compiled
from careplane.fhir.profiles.ports import Definitions
from careplane.fhir.profiles.rules import Program
from careplane.fhir.profiles.snapshot import Snapshots
from careplane.fhir.tree import Tree
from careplane.kernel.errors import Invalid


class Library:
    """The programs of one set of definitions. Make a new one when the definitions change."""

    def __init__(self, definitions: Definitions) -> None:
        self.definitions = definitions
        self.snapshots = Snapshots(definitions)
        self._programs: dict[str, Program | None] = {}
        self._refused: dict[str, Invalid] = {}

    def program(self, canonical: str) -> Program | None:
        """The program of a profile, type or extension; None where its definition is not known.
        Raises Invalid for a definition that contradicts itself."""
        if canonical in self._refused:
            raise self._refused[canonical]
        if canonical not in self._programs:
            self._programs[canonical] = self._made(canonical)
        return self._programs[canonical]

    def _made(self, canonical: str) -> Program | None:
        definition = self.definitions.artifact("StructureDefinition", canonical)
        if definition is None:
            return None
        try:
            tree = self.snapshots.of(canonical)
        except Invalid as error:
            self._refused[canonical] = error
            raise
        return None if tree is None else compiled(definition, tree)

    def compiled(self, definition: Tree) -> Program:
        """The program of a definition that is at hand; it is not kept."""
        return compiled(definition, self.snapshots.made(definition))
