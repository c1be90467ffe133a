"""Fail closed: with an audit store that keeps nothing, no method of the door gives an answer; with
one that works, each leaves its record."""

from __future__ import annotations

import inspect
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from careplane.access.caller import Caller
from careplane.access.scopes import parse_scopes
from careplane.fhir.tree import Tree
from careplane.kernel.clock import system_clock
from careplane.kernel.errors import Fault
from careplane.records import commands as c
from careplane.records.door import Door
from careplane.storage.engines.memory import MemoryStore
from careplane.storage.ports.records import Erasure, Receipt, Tenant, Unit
from careplane.terminology.library import Library
from tests.fhir_house import TENANT, House, bundle, entry, observation, open_house, patient

pytestmark = pytest.mark.anyio
CALLER = Caller(TENANT, "client/x", "X", parse_scopes("system/*.cruds system/Patient.purge"))
_MORE = {"status": "final", "type": {"text": "x"}, "date": "2020", "author": [{"display": "x"}]}
NEW = json.dumps({"resourceType": "Organization", "name": "x"}).encode()
META = {"tag": [{"system": "s", "code": "c"}]}


async def _asked(library: Library, instance: Tree | None) -> Tree:
    return {"resourceType": "Parameters"}


CALLS: dict[str, Any] = {
    "read": c.Read("Patient", "p"),
    "read_many": c.ReadMany((("Patient", "p"),)),
    "vread": c.Vread("Patient", "p", 1),
    "create": c.Create("Organization", NEW),
    "update": c.Update("Organization", "n", NEW[:-1] + b',"id":"n"}'),
    "patch": c.Patch("Patient", lambda tree: {**tree, "active": True}, id="p"),
    "delete": c.Delete("Observation", "o"),
    "history": c.History("Patient", "p"),
    "search": c.Search("Patient", (("_id", "p"),)),
    "everything": c.Everything("Patient", "p"),
    "lastn": c.Lastn((("patient", "Patient/p"), ("category", "laboratory"))),
    "stats": c.Stats("Patient/p", (("http://loinc.org", "8302-2"),)),
    "diff": c.Diff(None, ("Patient", "p", None)),
    "graph": c.Graph("Patient", "p", "http://g"),
    "document": c.Document("c"),
    "purge": c.Purge("p"),
    "erase": c.Erase("p"),
    "empty": c.Empty(),
    "consent_check": c.ConsentCheck("Patient", "p", "Practitioner/d"),
    "relabel": c.Relabel(),
    "validate": c.Validate("Organization", NEW),
    "meta": c.Meta("Patient", "p"),
    "change_meta": c.ChangeMeta("Patient", "p", META),
    "act": c.Act("$x", (), lambda seen: c.Decided()),
    "process": c.Process(bundle("batch", entry("GET", "Patient/p"))),
    "start_reindex": c.StartReindex(everything=True),
    "reindexing": c.Reindexing("nothing"),
    "counts": c.Counts(),
    "prepare_export": c.PrepareExport(("Patient",)),
    "export": c.Export("Patient", at=10**6),
    "prepare_import": c.PrepareImport(("Patient",)),
    "ask": c.Ask("expand", "ValueSet", _asked),
    "closure": c.Closure("t"),
    "note": c.Note("bulk-file", "x"),
    "reach": c.Reach(CALLER),
    "disclose": c.Disclose("Subscription/1", (("Patient", "p", 1),)),
}


REFUSED = {
    "reindexing": "there is no such job",
    "erase": "bodies in memory have no keys",
    "relabel": "nothing is labelled in this house",
}
"""Calls that are refused here, and why."""


class Mute(MemoryStore):
    """Keeps no audit record, once it is told so."""

    mute = False

    async def append(self, tenant: Tenant, record: bytes) -> None:
        if self.mute:
            raise Fault("The audit store is broken.")
        await super().append(tenant, record)

    async def commit(self, tenant: Tenant, unit: Unit) -> Receipt:
        if self.mute and unit.audit is not None:
            raise Fault("The audit store is broken.")
        return await super().commit(tenant, unit)

    async def erase(self, tenant: Tenant, erasure: Erasure) -> None:
        if self.mute and erasure.audit is not None:
            raise Fault("The audit store is broken.")
        await super().erase(tenant, erasure)


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
async def house() -> AsyncIterator[House]:
    async with open_house(Mute(system_clock)) as house:
        await house.put(patient("p"))
        await house.put(patient("p", gender="other"))
        await house.put(observation("o", "p"))
        await house.put({"resourceType": "Composition", "id": "c", "title": "t", **_MORE})
        graph = {"name": "g", "status": "active", "start": "Patient", "url": "http://g"}
        await house.put({"resourceType": "GraphDefinition", "id": "g", **graph})
        yield house


def test_every_method_that_answers_a_caller_is_in_the_table() -> None:
    found = {
        name
        for name, method in inspect.getmembers(Door, inspect.iscoroutinefunction)
        if not name.startswith("_")
        and list(inspect.signature(method).parameters)[1:3] == ["caller", "command"]
    }
    assert found == set(CALLS)


@pytest.mark.parametrize("name", CALLS)
async def test_without_its_record_no_answer_leaves(house: House, name: str) -> None:
    assert isinstance(house.store, Mute)
    house.store.mute = True
    with pytest.raises(Fault, match="audit store is broken"):
        await getattr(house.door, name)(CALLER, CALLS[name])


@pytest.mark.parametrize("name", [n for n in CALLS if n not in REFUSED])
async def test_each_answer_leaves_its_record(house: House, name: str) -> None:
    before = len(await house.audit())
    await getattr(house.door, name)(CALLER, CALLS[name])
    added = (await house.audit())[before:]
    assert {record.agent for record in added} == {"client/x"}
    assert len(added) == 1 or name in ("purge", "empty"), "which go step by step"
    assert added[0].outcome == "0"


async def test_a_request_that_comes_to_no_call_is_not_answered_either(house: House) -> None:
    assert isinstance(house.store, Mute)
    house.store.mute = True
    for path in ("Patient/p", "Nonsense/1/2/3/4", "Patient?_id=p", ""):
        answer = await house.http.get(path)
        assert answer.status_code == 500
        assert "Patient/p" not in answer.text
    house.http.headers.pop("authorization")
    assert (await house.http.get("Patient/p")).status_code == 500
