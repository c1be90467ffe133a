"""Attacks on emergency access: without a reason, for another patient, for longer, in secret."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import httpx
import pytest

from careplane.access.caller import Caller
from careplane.access.kept import kept
from careplane.access.scopes import parse_scopes
from careplane.kernel.clock import system_clock
from careplane.kernel.errors import Unauthenticated
from careplane.records.break_glass import BreakGlass, Choice
from tests.consent_house import consent, labels
from tests.fhir_house import TENANT, House, client, observation, open_house, patient
from tests.policy_house import team

pytestmark = pytest.mark.anyio

REASON = "Found unconscious in the street"
ROLE = frozenset({"treating-physician"})
DOCTOR = Caller(TENANT, "Practitioner/d", "Dr. D", parse_scopes("user/*.cruds"), None, ROLE)
OFFICER = replace(DOCTOR, id="Practitioner/o", roles=frozenset({"privacy-officer"}))
CLERK = replace(DOCTOR, id="Practitioner/c", roles=frozenset({"front-desk"}))
CHOICE = Choice(ROLE, 30)


class _Clock:
    def __init__(self) -> None:
        self.ahead = 0

    def __call__(self) -> int:
        return system_clock() + self.ahead


@asynccontextmanager
async def emergency(house: House, clock: _Clock | None = None) -> AsyncIterator[House]:
    async with open_house(house.store, choice=CHOICE, clock=clock or _Clock()) as again:
        for record in (
            {"resourceType": "Practitioner", "id": "d"},
            patient("a"), patient("b"), patient("mine"),
            team("t", "mine", "active", "Practitioner/d"),
            observation("oa", "a"), observation("ob", "b"),
            observation("secret", "a", meta=labels("42CFRPart2")),
            consent("ca", "a", {"type": "deny"}),
        ):  # fmt: skip
            await again.put(record)
        yield again


async def broken(http: httpx.AsyncClient, of: str = "a", reason: str = REASON) -> httpx.Response:
    body = {"resourceType": "Parameters", "parameter": [{"name": "reason", "valueString": reason}]}
    return await http.post(f"Patient/{of}/$break-glass", json=body)


def token(answer: httpx.Response) -> str:
    assert answer.status_code == 200, answer.text
    found = {one["name"]: one for one in answer.json()["parameter"]}
    return str(found["access_token"]["valueString"])


async def test_what_yields_and_what_does_not(house: House) -> None:
    async with emergency(house) as again, again.client_of(DOCTOR) as http:
        assert (await http.get("Patient/a")).status_code == 404
        async with client(again.app, token(await broken(http))) as glass:
            for key in ("Patient/a", "Observation/oa", "Observation/secret"):
                assert (await glass.get(key)).status_code == 200, key
            assert (await glass.get("Observation?patient=Patient/a")).json()["total"] == 2
            for key in ("Patient/b", "Observation/ob", "Patient/mine"):  # one patient
                assert (await glass.get(key)).status_code == 404, key
            changed = observation("oa", "a", status="amended")  # to look, not to write
            assert (await glass.put("Observation/oa", json=changed)).status_code == 403
            assert (await glass.get("AuditEvent")).status_code == 403
        assert (await http.get("Patient/a")).status_code == 404  # his own token stays as it was


async def test_no_more_is_hidden_than_from_the_role_that_looks(house: House) -> None:
    """Nor is less hidden at any other time."""
    masks = {
        "mine.cedar": """
        @hides("Patient.telecom")
        permit (principal in Role::"narrow", action, resource is Patient);"""
    }
    numbers = [{"system": "phone", "value": "555-0101"}]
    narrow = replace(DOCTOR, roles=frozenset({"narrow"}))
    choice = Choice(narrow.roles, 30)
    async with open_house(house.store, choice=choice, policies=masks) as again:
        for id in ("a", "b"):
            await again.put(patient(id, telecom=numbers))
        async with again.client_of(narrow) as http:
            assert "telecom" not in (await http.get("Patient/a")).json()
            async with client(again.app, token(await broken(http))) as glass:
                assert (await glass.get("Patient/a")).json()["telecom"] == numbers
                assert (await glass.get("Patient?phone=555-0101")).json()["total"] == 1
                assert (await glass.get("Patient/b")).status_code == 404
            assert "telecom" not in (await http.get("Patient/a")).json()


async def test_who_acts_for_a_patient_is_not_told_more(house: House) -> None:
    """Where an institution lets even proxies break the glass."""
    proxy = replace(DOCTOR, id="RelatedPerson/r", roles=frozenset({"proxy"}), patient="a",
                    scopes=parse_scopes("patient/*.rs"))  # fmt: skip
    async with open_house(house.store, choice=Choice(proxy.roles, 30)) as again:
        for record in (patient("a"), observation("oa", "a"),
                       observation("not", "a", meta=labels("NOPAT"))):  # fmt: skip
            await again.put(record)
        opened = await again.glass.open(again.door, proxy, "a", REASON)
        async with client(again.app, opened.token) as glass:
            assert (await glass.get("Observation/oa")).status_code == 200
            assert (await glass.get("Observation/not")).status_code == 404
            assert (await glass.get("Observation?_id=oa,not")).json()["total"] == 1


async def test_scopes_never_yield(house: House) -> None:
    narrow = replace(DOCTOR, scopes=parse_scopes("user/Patient.rs"))
    async with emergency(house) as again:
        opened = await again.glass.open(again.door, narrow, "a", REASON)
        async with client(again.app, opened.token) as glass:
            assert (await glass.get("Patient/a")).status_code == 200
            assert (await glass.get("Observation/oa")).status_code == 403


@pytest.mark.parametrize("reason", ["", "   ", "short", " \t\n" * 20, "x" * 1001])
async def test_not_without_a_reason(house: House, reason: str) -> None:
    async with emergency(house) as again, again.client_of(DOCTOR) as http:
        assert (await broken(http, reason=reason)).status_code == 400
        assert await again.glass.waiting(OFFICER) == []


async def test_not_by_every_role(house: House) -> None:
    async with emergency(house) as again, again.client_of(CLERK) as http:
        assert (await broken(http)).status_code == 403
        assert await again.glass.waiting(OFFICER) == []
        assert "break-glass-refused" in {one.interaction for one in await again.audit()}


async def test_not_for_a_patient_who_is_not_there(house: House) -> None:
    async with emergency(house) as again, again.client_of(DOCTOR) as http:
        assert (await broken(http, of="absent")).status_code == 404
        assert await again.glass.waiting(OFFICER) == []


async def test_it_ends_and_does_not_renew_itself(house: House) -> None:
    clock = _Clock()
    async with emergency(house, clock) as again:
        bearer = again.tokens.issue(DOCTOR, 36_000)
        async with client(again.app, bearer) as http:
            held = token(await broken(http))
        async with client(again.app, held) as glass:
            assert (await glass.get("Patient/a")).status_code == 200
            assert (await broken(glass)).status_code == 403  # no longer for itself
            assert (await broken(glass, of="b")).status_code == 403  # nor for another
            clock.ahead = 29 * 60_000_000
            assert (await glass.get("Patient/a")).status_code == 200
            clock.ahead = 31 * 60_000_000
            assert (await glass.get("Patient/a")).status_code == 401


async def test_it_ends_with_what_it_came_from(house: House) -> None:
    """What revokes the tokens of a client revokes this one."""
    async with emergency(house) as again:
        held = again.tokens.read(again.tokens.issue(DOCTOR, 3600, "app", 7))
        opened = await again.glass.open(again.door, DOCTOR, "a", REASON, held)
        found = again.tokens.read(opened.token)
        assert (found.client, found.generation) == ("app", 7)


async def test_what_is_done_later_in_its_name_is_no_emergency(house: House) -> None:
    """A subscription or a job goes on when the time is over, with the rights of every day."""
    async with emergency(house) as again:
        opened = await again.glass.open(again.door, DOCTOR, "a", REASON)
        assert (opened.caller.emergency, opened.caller.purpose) == ("a", "BTG")
        assert kept(opened.caller).caller() == DOCTOR


async def test_every_access_has_its_own_code(house: House) -> None:
    async with emergency(house) as again, again.client_of(DOCTOR) as http:
        async with client(again.app, token(await broken(http))) as glass:
            await glass.get("Patient/a")
            await glass.get("Observation?patient=Patient/a")
            await glass.get("Observation/ob")
        codes = [one.interaction for one in await again.audit() if one.agent == DOCTOR.id]
        assert codes[-3:] == ["break-glass:read", "break-glass:search-type", "break-glass:read"]
        assert "break-glass" in codes


async def test_the_patient_and_the_officer_are_told(house: House) -> None:
    async with emergency(house) as again, again.client_of(DOCTOR) as http:
        await broken(http)
        me = Caller(TENANT, "Patient/a", "A", parse_scopes("patient/*.rs"), "a")
        async with again.client_of(me) as mine:
            found = (await mine.get("Communication?recipient=Patient/a")).json()
            assert REASON in found["entry"][0]["resource"]["payload"][0]["contentString"]
        (case,) = await again.glass.waiting(OFFICER)
        assert (case.agent, case.patient, case.reason) == ("Practitioner/d", "a", REASON)


async def test_a_case_is_reviewed_once_and_by_another(house: House) -> None:
    async with emergency(house) as again, again.client_of(DOCTOR) as http:
        await broken(http)
        (case,) = await again.glass.waiting(OFFICER)

        async def review(who: Caller, finding: str = "Justified") -> int:
            parameter = [{"name": "case", "valueString": case.id},
                         {"name": "finding", "valueString": finding}]  # fmt: skip
            body: dict[str, Any] = {"resourceType": "Parameters", "parameter": parameter}
            async with again.client_of(who) as one:
                return (await one.post("Patient/$break-glass-review", json=body)).status_code

        assert await review(DOCTOR) == 403
        assert await review(replace(OFFICER, id=DOCTOR.id)) == 403  # nobody his own
        assert await review(OFFICER, "") == 400
        assert await review(OFFICER) == 200
        assert await review(OFFICER) == 409
        assert await again.glass.waiting(OFFICER) == []
        (done,) = await again.glass.cases(OFFICER)
        assert (done.reviewer, done.finding) == (OFFICER.id, "Justified")


async def test_who_must_prove_himself_anew_does_so_first(house: House) -> None:
    def stale(caller: Caller) -> None:
        raise Unauthenticated("Sign in again.")

    async with emergency(house) as again:
        glass = BreakGlass(again.state, again.tokens, system_clock, lambda: "x", CHOICE, stale)
        with pytest.raises(Unauthenticated):
            await glass.open(again.door, DOCTOR, "a", REASON)
        assert await again.glass.waiting(OFFICER) == []
