"""A house with notes, and a physician who writes some."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any

from careplane.access.caller import Caller
from careplane.access.fresh import Fresh, unasked
from careplane.access.scopes import parse_scopes
from careplane.care.notes.cosigning import Cosigning
from careplane.care.notes.keeping import KEEPS
from careplane.care.notes.notes import Notes
from careplane.care.notes.signing import Signer
from careplane.kernel.clock import system_clock
from careplane.kernel.ids import new_id
from careplane.records import commands as c
from careplane.records.admission import each
from careplane.records.bodies import whole
from careplane.storage.engines.memory import MemoryStore
from tests import tasks_house
from tests.fhir_house import TENANT, House, Store, open_house, patient

DOCTOR = Caller(TENANT, "Practitioner/d", "Dr. <b>D</b>", parse_scopes("user/*.cruds"), None,
                frozenset({"physician"}))  # fmt: skip
OTHER = replace(DOCTOR, id="Practitioner/o", name="Dr. O")
NURSE = replace(DOCTOR, id="Practitioner/n", name="Nurse N", roles=frozenset({"nurse"}))
TRAINEE = replace(DOCTOR, id="Practitioner/t", name="Tia", roles=frozenset({"trainee"}))
DESK = replace(DOCTOR, id="Practitioner/f", name="Desk", roles=frozenset({"front-desk"}))
ADA = Caller(TENANT, "Patient/p", "Ada", parse_scopes("patient/*.rs"), "p", frozenset({"patient"}))
SIGNER = Signer(b"s" * 32)
SOAP = {"61150-9": "Coughs.", "61149-1": "Lungs clear.", "51848-0": "Cold.", "18776-5": "Rest."}


@dataclass
class Ward:
    """One house and its notes."""

    house: House
    notes: Notes

    @property
    def cosigning(self) -> Cosigning:
        return Cosigning(self.notes)

    async def read(self, id: str, type: str = "Composition") -> Any:
        return (await self.house.http.get(f"{type}/{id}")).json()

    async def as_seen(self, caller: Caller, id: str) -> Any:
        version = await self.house.door.read(caller, c.Read("Composition", id))
        return json.loads(whole(version))

    async def draft(self, template: str = "soap", by: Caller = DOCTOR) -> str:
        return await self.notes.begin(by, "p", template)

    async def written(self, texts: dict[str, str] | None = None, by: Caller = DOCTOR) -> str:
        """A draft with text."""
        id = await self.draft(by=by)
        tree = await self.read(id)
        version = int(tree["meta"]["versionId"])
        await self.notes.save(by, tree, version, "Visit", SOAP if texts is None else texts)
        return id

    async def signed(self, texts: dict[str, str] | None = None, by: Caller = DOCTOR) -> str:
        id = await self.written(texts, by)
        await self.notes.sign(by, id, int((await self.read(id))["meta"]["versionId"]))
        return id

    async def verdict(self, id: str, caller: Caller = DOCTOR) -> str:
        return (await self.notes.standing(caller, await self.as_seen(caller, id))).verdict


@asynccontextmanager
async def open_ward(store: Store | None = None, fresh: Fresh = unasked) -> AsyncIterator[Ward]:
    keeps = each(KEEPS, tasks_house.KEEPS)
    async with open_house(store or MemoryStore(system_clock), keeps=keeps) as house:
        for id in ("p", "q"):
            await house.put(patient(id, name=[{"family": "Quinn"}]))
        for who in (DOCTOR, OTHER, NURSE, TRAINEE):
            name = [{"text": who.name}]
            await house.put({"resourceType": "Practitioner", "id": who.id[13:], "name": name})
        yield Ward(house, notes_of(house, fresh))


def notes_of(house: House, fresh: Fresh = unasked) -> Notes:
    """Of another house."""
    return Notes(house.door, system_clock, new_id, SIGNER, fresh, frozenset({"trainee"}))
