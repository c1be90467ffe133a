"""Summaries of an installation: what operations, pages and links ask."""

from __future__ import annotations

from dataclasses import dataclass

from careplane.access.caller import Caller
from careplane.fhir.tree import Tree
from careplane.kernel.clock import Clock
from careplane.kernel.errors import Ambiguous, NotFound
from careplane.kernel.ids import NewId
from careplane.records import commands as c
from careplane.records.door import Door
from careplane.sharing.ips.document import document
from careplane.sharing.ips.gather import Gathered, gather
from careplane.words.audience import Audience, speaking
from careplane.words.patients import language_of


@dataclass(frozen=True, slots=True)
class Summaries:
    """Over one door. `new_id` makes UUIDs."""

    door: Door
    clock: Clock
    new_id: NewId

    async def of(
        self,
        caller: Caller,
        patient: str,
        base: str,
        chosen: frozenset[str] | None = None,
        language: str = "",
    ) -> Tree:
        """A document Bundle of a patient, as this caller may see the record, in a language that is
        spoken here; where none is asked for, in the patient's. Raises NotFound, Forbidden."""
        gathered = await self.gathered(caller, patient, base, chosen)
        with speaking(Audience(language or language_of(gathered.patient))):
            return document(gathered, base, self.clock(), self.new_id)

    async def gathered(
        self, caller: Caller, patient: str, base: str, chosen: frozenset[str] | None = None
    ) -> Gathered:
        """What such a document is made of."""
        return await gather(self.door, caller, patient, base, chosen)

    async def identified(self, caller: Caller, identifier: str) -> str:
        """The id of the one patient with an identifier (a token). Raises NotFound, Ambiguous."""
        pairs = (("identifier", identifier), ("_count", "2"))
        found = (await self.door.search(caller, c.Search("Patient", pairs))).matches
        if not found:
            raise NotFound("There is no Patient with this identifier.")
        if len(found) > 1:
            raise Ambiguous("Several Patients have this identifier; name its system as well.")
        return found[0].id
