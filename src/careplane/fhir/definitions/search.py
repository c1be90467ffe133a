"""SearchParameters of R4 (3.1.1 Search, search-parameters.json) as rows."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any, Literal

SearchType = Literal[
    "number", "date", "string", "token", "reference", "composite", "quantity", "uri", "special"
]
_URL = "http://hl7.org/fhir/SearchParameter/"
_OURS = "careplane-"
_OUR_URL = "https://github.com/careplane/careplane/SearchParameter/"


@dataclass(frozen=True, slots=True)
class Component:
    """A part of a composite: `definition` is the id of the SearchParam that says its type, and
    `expression` is read from each value of the composite's own expression."""

    definition: str
    expression: str


@dataclass(frozen=True, slots=True)
class SearchParam:
    """One SearchParameter; its columns stand in the order of the generated table."""

    id: str
    code: str
    type: SearchType
    bases: tuple[str, ...]
    expression: str
    targets: tuple[str, ...]
    components: tuple[Component, ...]
    multiple_or: bool
    multiple_and: bool
    comparators: tuple[str, ...]
    modifiers: tuple[str, ...]
    chains: tuple[str, ...]

    @property
    def url(self) -> str:
        """Its canonical URL."""
        return (_OUR_URL if self.id.startswith(_OURS) else _URL) + self.id


@cache
def search_parameters() -> tuple[SearchParam, ...]:
    """Every search parameter of R4, in the order of their ids."""
    from careplane.fhir.generated.search import SEARCH_PARAMETERS  # on first use only

    return tuple(_search_param(*row) for row in SEARCH_PARAMETERS)


def _search_param(*row: Any) -> SearchParam:
    columns = list(row)
    columns[6] = tuple(Component(*part) for part in columns[6])
    return SearchParam(*columns)
