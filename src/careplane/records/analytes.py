"""What moles weigh by the ConceptMaps of a tenant, laid over what comes with Careplane.

As with search parameters, the newest version of a ConceptMap tells whether there is something to
read; a search is at most a second behind another process, and never behind its own.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from careplane.fhir.analytes import Masses, built_in, masses_in
from careplane.fhir.analytes.concept_map import UCUM
from careplane.fhir.codec import json
from careplane.fhir.tree import Tree
from careplane.kernel.errors import Invalid, Issue
from careplane.records.bodies import whole
from careplane.search.plan import Query, Uri, UriMode
from careplane.search.rows import Param
from careplane.storage.ports.records import RecordStore, Tenant, Version

MAP: Final = "ConceptMap"
_TO_UNITS: Final = Uri(Param("ConceptMap.target-system"), UriMode.EXACT, (UCUM,))
_PAGE: Final = 100


@dataclass(slots=True)
class Analytes:
    """The molar masses of every tenant, as this process last read them."""

    store: RecordStore
    _seen: dict[Tenant, int] = field(default_factory=dict)
    _known: dict[Tenant, Masses] = field(default_factory=dict)

    def of(self, tenant: Tenant) -> Masses:
        """The tenant's own, then the built-in."""
        return self._known.get(tenant) or built_in()

    async def hear(self, tenant: Tenant) -> bool:
        """Read the maps anew if any ConceptMap is, and tell whether masses may have changed."""
        newest = await self.store.newest(tenant, MAP)
        if newest <= self._seen.get(tenant, 0):
            return False
        own = await self._read(tenant)
        before = self._known.pop(tenant, None)
        if own.grams:
            self._known[tenant] = own.over(built_in())
        self._seen[tenant] = newest
        return self._known.get(tenant) != before

    async def _read(self, tenant: Tenant) -> Masses:
        """Of two maps with the same code, that counts which was created later."""
        found, cursor = Masses(), None
        while True:
            query = Query(frozenset({MAP}), _TO_UNITS, count=_PAGE, cursor=cursor)
            page = await self.store.search(tenant, query)
            for version in page.versions:
                found = _masses(version).over(found)
            if page.next is None:
                return found
            cursor = page.next


def check(version: Version) -> None:
    """Raises Invalid where a ConceptMap is meant to say what moles weigh, and does not."""
    masses_in(json.parse(whole(version)))


def problems(tree: Tree) -> tuple[Issue, ...]:
    """What is wrong with the molar masses of a ConceptMap."""
    try:
        masses_in(tree)
    except Invalid as error:
        return error.issues
    return ()


def _masses(version: Version) -> Masses:
    try:
        return masses_in(json.parse(whole(version)))
    except Invalid:  # from before it was checked
        return Masses()
