"""What `:in`, `:above` and `:below` ask of terminology; whoever holds value sets answers.

A port: `terminology` stands above this room. What R4 itself binds as required is answered here.
"""

from __future__ import annotations

from typing import Protocol

from careplane.fhir.definitions import required_codings
from careplane.search.plan import Coding


class CodeSets(Protocol):
    """Value sets and hierarchies; None always means: this is not held here."""

    def members(self, value_set: str) -> tuple[Coding, ...] | None:
        """All codes of a value set, named by canonical URL or as `ValueSet/id`."""

    def below(self, system: str, code: str) -> tuple[Coding, ...] | None:
        """The code and all that it subsumes."""

    def above(self, system: str, code: str) -> tuple[Coding, ...] | None:
        """The code and all that subsume it."""


class R4CodeSets:
    """The value sets that R4 lists in full for its required bindings; no hierarchies."""

    def members(self, value_set: str) -> tuple[Coding, ...] | None:
        codings = required_codings(value_set)
        return None if codings is None else tuple(Coding(*pair) for pair in sorted(codings))

    def below(self, system: str, code: str) -> tuple[Coding, ...] | None:
        return None

    def above(self, system: str, code: str) -> tuple[Coding, ...] | None:
        return None
