"""What one query may cost. A query is a stranger's program: each loop in it draws on a budget."""

from __future__ import annotations

from typing import Final

from careplane.fhir.fhirpath import Environment, Shared
from careplane.kernel.errors import TooLarge

MAX_TEXT: Final = 50_000
"""Characters of a query."""

MAX_TOKENS: Final = 10_000

MAX_DEPTH: Final = 40
"""Brackets of any kind inside one another."""

MAX_SELECTIONS: Final = 2_000
"""Fields and fragments, each counted wherever it is used."""

MAX_VALUES: Final = 200_000
"""Elements that are looked at, in all rounds of one query together."""

MAX_RESOURCES: Final = 1_000
"""Resources that are fetched for one query."""

MAX_SEARCHES: Final = 200

MAX_PATH: Final = 300
"""Characters of a FHIRPath expression: thousands of them are remembered, compiled."""

MAX_STEPS: Final = 500_000
"""Steps of all FHIRPath expressions of one query together, about a microsecond each."""


class Budget:
    """What is left of the bounds while one query is carried out."""

    __slots__ = ("_values", "paths")

    def __init__(self, now: int | None = None) -> None:
        self._values = MAX_VALUES
        self.paths = Shared(Environment(now=now, budget=MAX_STEPS))

    def spend(self, values: int = 1) -> None:
        """Count elements before they are looked at; raises TooLarge."""
        self._values -= values
        if self._values < 0:
            raise TooLarge(
                f"The query looks at more than {MAX_VALUES} elements; ask for less at once."
            )
