"""What FHIRPath asks of profiles and codes: memberOf(), conformsTo(), slice() and their kin."""

from __future__ import annotations

from careplane.fhir.fhirpath import Node
from careplane.fhir.profiles.coded import member
from careplane.fhir.profiles.finding import Conforming
from careplane.fhir.profiles.ports import CodeChecker
from careplane.fhir.profiles.slicing import divided, slicing_of
from careplane.fhir.tree import Tree
from careplane.fhir.validation import errors


class Answers:
    """For the environment of expressions."""

    def __init__(self, walk: Conforming, codes: CodeChecker) -> None:
        self._walk = walk
        self._codes = codes

    def member_of(self, coded: Node, value_set: str) -> bool | None:
        """memberOf()."""
        return member(coded, value_set, self._codes)

    def subsumes(self, ancestor: Node, coded: Node) -> bool | None:
        """subsumes(): nobody can tell here."""
        return None

    def conforms(self, node: Node, profile: str) -> bool | None:
        """conformsTo(): a resource has to be valid by its base type too."""
        program = self._walk.program(profile)
        if program is None:
            return None
        if node.is_resource and errors(node.value):
            return False
        return self._walk.conforms(node, profile)

    def element_definition(self, node: Node) -> Tree | None:
        """elementDefinition(): an element by itself has none."""
        return None

    def in_slice(self, node: Node, structure: str, name: str) -> bool | None:
        """slice()."""
        program = self._walk.program(structure)
        rule = program.root.children.get(node.name) if program is not None else None
        if rule is None:
            return None
        owners = divided([node], rule, slicing_of(rule, None), self._walk)[0]
        return any(one.slice_name == name for one in owners)
