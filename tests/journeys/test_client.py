"""The Python client against the whole application, in step over a socket and asynchronous here."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

import httpx
import msgspec
import pytest

from careplane.client import AsyncClient, Client, Refused, Transaction
from careplane.client.resources import Bundle, Observation, OperationOutcome, Patient
from careplane.client.types import (
    CodeableConcept,
    Coding,
    HumanName,
    Identifier,
    Quantity,
    Reference,
)
from tests.fhir_house import BASE, House
from tools.bench.server import Server


def named(family: str, number: str = "") -> Patient:
    identifier = [Identifier(system="urn:ward", value=number)] if number else None
    return Patient(name=[HumanName(family=family)], identifier=identifier)


def height(of: str, value: str) -> Observation:
    return Observation(
        status="final",
        code=CodeableConcept(coding=[Coding(system="http://loinc.org", code="8302-2")]),
        subject=Reference(reference=of),
        valueQuantity=Quantity(value=Decimal(value), unit="cm"),
    )


@pytest.fixture(scope="module")
def client(running: Server) -> Iterator[Client]:
    with Client(running.base, token=running.token) as client:
        yield client


@pytest.mark.slow
def test_a_record_lives(client: Client) -> None:
    patient = client.create(named("Okafor"))
    assert patient.id
    assert patient.meta is not None
    assert patient.meta.versionId == "1"
    changed = client.update(msgspec.structs.replace(patient, active=True), if_match="1")
    assert changed.meta is not None
    assert changed.meta.versionId == "2"
    with pytest.raises(Refused) as stale:
        client.update(msgspec.structs.replace(patient, active=False), if_match="1")
    assert stale.value.status == 412
    step = {"op": "replace", "path": "/active", "value": False}
    assert client.patch(Patient, patient.id, [step]).active is False
    assert client.vread(Patient, patient.id, "2").active is True
    client.delete(Patient, patient.id)
    with pytest.raises(Refused) as gone:
        client.read(Patient, patient.id)
    assert gone.value.status == 410
    history = list(client.history(Patient, patient.id))
    assert [v.version for v in history] == ["4", "3", "2", "1"]
    assert history[0].resource is None
    assert history[0].method == "DELETE"
    assert history[-1].resource == patient


@pytest.mark.slow
def test_conditions(client: Client) -> None:
    first = client.create(named("Sato", "17"), if_none_exist="identifier=urn:ward|17")
    again = client.create(named("Sato", "17"), if_none_exist="identifier=urn:ward|17")
    assert again.id == first.id
    where = {"identifier": "urn:ward|17"}
    assert client.update(named("Satō", "17"), where=where).id == first.id
    assert client.patch(Patient, None, [{"op": "add", "path": "/active", "value": True}],
                        where=where).active is True  # fmt: skip
    client.delete(Patient, where=where)
    assert client.search(Patient, where).first() is None


@pytest.mark.slow
def test_a_search_goes_through_all_pages_and_into_a_table(client: Client) -> None:
    t = Transaction()
    of = t.create(named("Haddad"))
    for n in range(25):
        t.create(height(of, f"{100 + n}.50"))
    outcomes = client.send(t)
    assert [o.status for o in outcomes] == [201] * 26
    patient = outcomes[0].resource
    assert isinstance(patient, Patient)
    found = client.search(Observation, subject=f"Patient/{patient.id}", _count=10, _sort="_id")
    assert len(list(found.pages())) == 3
    assert len({o.id for o in found}) == 25
    assert found.count() == 25
    table = found.to_polars({"id": "id", "cm": "value.value", "unit": "value.unit"})
    assert table.shape == (25, 3)
    assert sorted(table["cm"].to_list())[0] == Decimal("100.50")
    page = next(client.search(Observation, _include="Observation:subject", _count=1).pages())
    assert isinstance(page.included[0], Patient)


@pytest.mark.slow
def test_a_parameter_that_is_none_is_an_error(client: Client) -> None:
    client.create(named("Somebody"))
    with pytest.raises(Refused, match="400"):
        client.search(Patient, naem="x").first()
    assert client.search(Patient, naem="x", strict=False).first() is not None


@pytest.mark.slow
def test_operations_and_raw_access(client: Client) -> None:
    patient = client.create(named("Casper"))
    record = client.operation("everything", Patient, patient.id)
    assert isinstance(record, Bundle)
    report = client.operation("$validate", Patient, body=named("Casper"))
    assert isinstance(report, OperationOutcome)
    answer = client.request("GET", f"Patient/{patient.id}", parameters={"_format": "xml"})
    assert answer.headers["content-type"].startswith("application/fhir+xml")


@pytest.mark.anyio
async def test_the_asynchronous_client_does_the_same(house: House) -> None:
    token = house.tokens.issue(house.caller("system/*.cruds"), 3600)
    transport = httpx.ASGITransport(app=house.app)
    async with AsyncClient(BASE, token=lambda: token, transport=transport) as client:
        patient = await client.create(named("Okafor"))
        assert patient.id
        t = Transaction("batch")
        t.update(msgspec.structs.replace(patient, active=True))
        t.read(Patient, patient.id)
        t.delete(Patient, "nobody")
        t.search(Patient, family="okafor")
        t.read(Patient, "nobody")
        done = await client.send(t)
        assert [o.status for o in done] == [200, 200, 204, 200, 404]
        assert isinstance(done[4].outcome, OperationOutcome)
        for n in range(5):
            await client.create(height(f"Patient/{patient.id}", f"17{n}.0"))
        found = client.search(Observation, patient=patient.id, _count=2)
        assert len([o async for o in found]) == 5
        table = await found.to_polars({"cm": "value.value"})
        assert table["cm"].sum() == Decimal("860.0")
        versions = [v.version async for v in client.history(Patient, patient.id)]
        assert versions == ["2", "1"]
        assert await found.count() == 5
        assert (await found.first()) is not None
        with pytest.raises(Refused):
            await client.read(Patient, "nobody")
