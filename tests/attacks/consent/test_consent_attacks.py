"""Attacks on the record of a patient who has denied it to somebody, or that is under Part 2.

As in `test_policy_attacks` each is made twice, by the one who must not get through and by another
with the same scopes who must; so each fails where a path forgets the Consents.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from careplane.access.caller import Caller
from careplane.access.consent.consents import House as Choices
from careplane.access.scopes import parse_scopes
from careplane.kernel.errors import Forbidden
from careplane.records import commands as c
from tests.attacks.test_policy_attacks import ATTACKS, FREE, MARK, RECORDS, finds, shows
from tests.consent_house import REASON, TYPES_SYSTEM, actor, coding, consent, labels
from tests.fhir_house import (
    TENANT,
    House,
    bundle,
    entry,
    observation,
    open_house,
    patient,
    studies,
)
from tests.policy_house import Record, to

pytestmark = pytest.mark.anyio

OTHER = replace(FREE, id="Practitioner/other", name="Other")
PROGRAM = replace(FREE, roles=frozenset({"program"}))
DENIAL = consent("no", "elsewhere", {"type": "deny", "actor": [actor("Practitioner/n")]})
REPORT: Record = {
    "resourceType": "DiagnosticReport", "id": "report", "status": "final",
    "subject": to("Patient/elsewhere"), "code": {"text": "Report"},
    "contained": [{**observation("in", "elsewhere"), "valueString": MARK}],
    "result": [to("#in")],
}  # fmt: skip
_WRITES = (
    "create", "create where there is one", "a transaction that creates", "a second place",
    "a place in the ward's own team", "a visit to one's own ward", "a visit that is moved",
    "update that gives a record away", "a reference by criteria",
)  # fmt: skip
LOOKING = {name: attack for name, attack in ATTACKS.items() if name not in _WRITES} | {
    "a sort by what is hidden": shows("Patient?_sort=family&_elements=name"),
    "what is contained": shows("Observation?_contained=true&_count=50"),
    "what is missing": finds("Patient?family:missing=false&_id=elsewhere"),
    "$meta": shows("Observation/theirs/$meta", "versionId"),
    "$graphql of one": shows("Patient/elsewhere/$graphql?query={name{family}}"),
}


async def _filled(house: House, more: list[Record]) -> None:
    records = {(one["resourceType"], one["id"]): one for one in [*RECORDS, REPORT, *more]}
    for record in records.values():
        await house.put(record)


@pytest.mark.parametrize("name", LOOKING)
async def test_what_is_denied_is_as_if_it_were_not_there(house: House, name: str) -> None:
    await _filled(house, [DENIAL])
    async with house.client_of(FREE) as denied, house.client_of(OTHER) as other:
        assert not await LOOKING[name](denied)
        assert await LOOKING[name](other), "the attack proves nothing"


def _of_part2() -> list[Record]:
    """All that is the patient's, labelled."""
    found: list[Record] = []
    for record in [*RECORDS, REPORT]:
        theirs = record["id"] == "elsewhere" or record.get("subject") == to("Patient/elsewhere")
        if theirs:
            found.append({**record, "meta": labels("42CFRPart2")})
    return found


@pytest.mark.parametrize("name", LOOKING)
async def test_part_2_leaves_by_no_way_without_consent(house: House, name: str) -> None:
    await _filled(house, _of_part2())
    async with (
        open_house(house.store, consent=Choices(program=frozenset({"program"})),
                   policies={"program.cedar": PERMIT}) as again,
        again.client_of(FREE) as outside, again.client_of(PROGRAM) as inside,
    ):  # fmt: skip
        assert not await LOOKING[name](outside)
        assert await LOOKING[name](inside), "the attack proves nothing"


PERMIT = 'permit (principal in Role::"program", action, resource);'


async def test_part_2_leaves_under_a_consent_with_the_notice(house: House) -> None:
    await _filled(house, _of_part2())
    permit = {"type": "permit", "actor": [actor("Practitioner/n")],
              "purpose": [coding(REASON, "TREAT")]}  # fmt: skip
    await house.put(consent("yes", "elsewhere", permit))
    async with house.client_of(FREE) as http, house.client_of(OTHER) as other:
        assert (await http.get("Observation/theirs")).status_code == 200
        assert (await other.get("Observation/theirs")).status_code == 404
        for url in ("Observation?code=theirs", "Observation/theirs/_history",
                    "Patient/elsewhere/$everything"):  # fmt: skip
            answer = (await http.get(url)).json()
            assert answer["meta"]["security"][0]["code"] == "NODSCLCD", url
        found = (await http.get("Observation?code=theirs")).json()
        told = [e["resource"] for e in found["entry"] if e["search"]["mode"] == "outcome"]
        assert "42 CFR part 2 prohibits" in told[0]["issue"][0]["diagnostics"]
        plain = (await http.get("Observation?code=mine")).json()
        assert "meta" not in plain


async def test_part_2_is_in_no_export_and_no_notification(house: House) -> None:
    await _filled(house, _of_part2())
    prepared = await house.door.prepare_export(FREE, c.PrepareExport(("Observation",)))
    page = await house.door.export(FREE, c.Export("Observation", prepared.at))
    assert {version.id for version in page.versions} == {"mine", "shared"}
    asked = c.Disclose("Subscription/s", (("Observation", "theirs", 2),))
    assert await house.door.disclose(FREE, asked) == (None,)


async def test_an_export_goes_by_what_was_denied_meanwhile(house: House) -> None:
    await _filled(house, [])
    prepared = await house.door.prepare_export(FREE, c.PrepareExport(("Observation",)))
    await house.put(DENIAL)
    await house.put(observation("theirs", "elsewhere", code="changed"))
    page = await house.door.export(FREE, c.Export("Observation", prepared.at))
    assert {version.id for version in page.versions} == {"mine", "shared"}


NOT_IN_FORCE: dict[str, dict[str, Any]] = {
    "rejected": {"status": "rejected"},
    "inactive": {"status": "inactive"},
    "a draft": {"status": "draft"},
    "entered in error": {"status": "entered-in-error"},
    "expired": {"provision": {**DENIAL["provision"], "period": {"end": "2020-01-01"}}},
    "not yet": {"provision": {**DENIAL["provision"], "period": {"start": "2999-01-01"}}},
    "of another patient": {"patient": to("Patient/here")},
    "an advance directive": {"scope": {"coding": [{"code": "adr"}]}},
}


@pytest.mark.parametrize("name", NOT_IN_FORCE)
async def test_only_what_is_in_force_counts(house: House, name: str) -> None:
    """The same for a permission: what does not deny when it is over does not permit either."""
    await _filled(house, [{**DENIAL, **NOT_IN_FORCE[name]}])
    async with house.client_of(FREE) as http:
        assert (await http.get("Patient/elsewhere")).status_code == 200
    permit = {**DENIAL, **NOT_IN_FORCE[name], "id": "yes"}
    permit["provision"] = {**permit["provision"], "type": "permit"}
    await _filled(house, [*_of_part2(), permit])
    async with house.client_of(FREE) as http:
        assert (await http.get("Observation/theirs")).status_code == 404


async def test_a_change_counts_at_once_here(house: House) -> None:
    await _filled(house, [])
    async with house.client_of(FREE) as http:
        assert (await http.get("Patient/elsewhere")).status_code == 200
        await house.put(DENIAL)
        assert (await http.get("Patient/elsewhere")).status_code == 404
        await house.put({**DENIAL, "status": "inactive"})
        assert (await http.get("Patient/elsewhere")).status_code == 200
        await house.put(DENIAL)
        assert (await http.get("Patient/elsewhere")).status_code == 404
        await house.http.delete("Consent/no")
        assert (await http.get("Patient/elsewhere")).status_code == 200


async def test_a_team_that_changes_counts_at_once(house: House) -> None:
    from tests.policy_house import team

    await _filled(house, [team("t", "here", "active", "Practitioner/n")])
    await house.put(consent("no", "elsewhere", {"type": "deny", "actor": [actor("CareTeam/t")]}))
    async with house.client_of(FREE) as http:
        assert (await http.get("Patient/elsewhere")).status_code == 404
        await house.put(team("t", "here", "inactive", "Practitioner/n"))
        assert (await http.get("Patient/elsewhere")).status_code == 200


async def test_another_process_knows_within_a_second(house: House) -> None:
    """It has looked, and looks again when a second is over."""
    await _filled(house, [])
    later = [0]

    def clock() -> int:
        return 1_790_000_000_000_000 + later[0]

    async with open_house(house.store, clock=clock) as far:
        caller = Caller(TENANT, "Practitioner/n", "N", parse_scopes("user/*.rs"))
        await far.door.read(caller, c.Read("Patient", "elsewhere"))
        await house.put(DENIAL)
        later[0] = 1_000_001
        with pytest.raises(Exception, match="no such Patient"):
            await far.door.read(caller, c.Read("Patient", "elsewhere"))


PATIENT = Caller(TENANT, "Patient/here", "Here", parse_scopes("patient/*.cruds"), "here")
STRANGERS: dict[str, tuple[Caller, dict[str, Any]]] = {
    "a patient for another": (PATIENT, consent("x", "elsewhere", {"type": "permit"})),
    "a patient with the scopes of others": (
        Caller(TENANT, "Patient/here", "Here", parse_scopes("user/*.cruds")),
        consent("x", "elsewhere", {"type": "permit"})),
    "a physician for himself": (
        FREE, consent("x", "elsewhere", {"type": "permit", "actor": [actor("Practitioner/n")]})),
    "a physician for all": (FREE, consent("x", "here", {"type": "permit"})),
}  # fmt: skip


@pytest.mark.parametrize("name", STRANGERS)
async def test_no_stranger_consents_for_a_patient(house: House, name: str) -> None:
    await _filled(house, [DENIAL])
    caller, made = STRANGERS[name]
    async with house.client_of(caller) as http:
        assert (await http.put("Consent/x", json=made)).status_code == 403
        fresh = {k: v for k, v in made.items() if k != "id"}
        assert (await http.post("Consent", json=fresh)).status_code == 403
        assert (await http.delete("Consent/no")).status_code in (403, 204)
    assert (await house.http.get("Consent/no")).status_code == 200
    async with house.client_of(PATIENT) as http:
        assert (await http.post("Consent", json=_fresh("here"))).status_code == 201


def _fresh(of: str) -> dict[str, Any]:
    return {k: v for k, v in consent("", of, {"type": "deny"}).items() if k != "id"}


async def test_nobody_lifts_what_denies_him_by_name(house: House) -> None:
    """Not even with a scope that writes the Consents of all patients."""
    one = {"type": "deny", "actor": [actor("client/lab")],
           "class": [coding("http://hl7.org/fhir/resource-types", "Observation")]}  # fmt: skip
    await _filled(house, [consent("no", "elsewhere", one)])
    lab = Caller(TENANT, "client/lab", "Lab", parse_scopes("system/*.cruds"))
    other = replace(lab, id="client/other")
    lifted = consent("no", "elsewhere", one, status="inactive")
    async with house.client_of(lab) as http, house.client_of(other) as free:
        assert (await http.get("Consent/no")).status_code == 200
        assert (await http.put("Consent/no", json=lifted)).status_code == 403
        assert (await http.delete("Consent/no")).status_code == 403
        assert (await http.get("Observation/theirs")).status_code == 404
        assert (await free.put("Consent/no", json=lifted)).status_code == 200


async def test_the_patient_sees_all_of_it(house: House) -> None:
    await _filled(house, [consent("all", "here", {"type": "deny"})])
    async with house.client_of(PATIENT) as http, house.client_of(FREE) as other:
        assert (await http.get("Patient/here")).status_code == 200
        assert (await http.get("Observation/mine")).status_code == 200
        assert (await other.get("Observation/mine")).status_code == 404


async def test_for_research_only_what_is_permitted(house: House) -> None:
    permit = {"type": "permit", "purpose": [coding(REASON, "HRESCH")]}
    await _filled(house, [consent("yes", "here", permit)])
    researcher = replace(FREE, purpose="HRESCH")
    choices = Choices(opt_in=frozenset({"HRESCH"}))
    async with (
        open_house(house.store, consent=choices) as again,
        again.client_of(researcher) as http,
        again.client_of(FREE) as carer,
    ):
        assert MARK not in (await http.get("Patient")).text
        assert (await http.get("Patient?_summary=count")).json()["total"] == 1
        assert (await carer.get("Patient?_summary=count")).json()["total"] == 2


_ALL: Record = {"type": "permit"}
_SOME: Record = {"type": "permit", "class": [coding(TYPES_SYSTEM, "Observation")]}
AGREED: dict[str, tuple[Record | None, Record | None, bool]] = {
    "nobody": (None, None, False),
    "one": (_ALL, None, False),
    "the other": (None, _ALL, False),
    "one to all, the other to something else": (_ALL, _SOME, False),
    "one to all, the other denies": (_ALL, {"type": "deny"}, False),
    "both": (_ALL, _ALL, True),
}
"""What each of two patients permits, and whether what is about both may be shown."""


@pytest.mark.parametrize("name", AGREED)
@pytest.mark.parametrize("why", ["research", "part 2"])
async def test_what_is_about_two_patients_needs_both(house: House, name: str, why: str) -> None:
    one, other, shown = AGREED[name]
    two = [{"actor": to(f"Patient/{id}"), "status": "accepted"} for id in ("here", "elsewhere")]
    group = {"resourceType": "Appointment", "id": "group", "status": "booked", "participant": two,
             "start": "2027-02-22T09:00:00Z", "end": "2027-02-22T10:00:00Z",
             **({"meta": labels("42CFRPart2")} if why == "part 2" else {})}  # fmt: skip
    said = (("here", one), ("elsewhere", other))
    await _filled(house, [group, *(consent(f"c-{id}", id, what) for id, what in said if what)])
    purpose = "HRESCH" if why == "research" else "TREAT"
    asks = replace(FREE, purpose=purpose)
    mine = replace(PATIENT, purpose=purpose)
    async with (
        open_house(house.store, consent=Choices(opt_in=frozenset({"HRESCH"}))) as again,
        again.client_of(asks) as http,
        again.client_of(mine) as patient,
    ):
        found = (await http.get("Appointment?_id=group")).json().get("total", 0)
        assert found == shown
        assert ((await http.get("Appointment/group")).status_code == 200) == shown
        told = [await _checked(again, who, purpose) for who in (asks, mine)]
        denied = other is not None and other["type"] == "deny"
        assert (await patient.get("Appointment/group")).status_code == (404 if denied else 200)
        assert told == [shown, not denied]


async def _checked(house: House, who: Caller, purpose: str) -> bool:
    """What $consent-check says of the appointment."""
    asked = {"actor": who.id, "resource": "Appointment/group", "purpose": purpose}
    answer = await house.http.get("Consent/$consent-check", params=asked)
    assert answer.status_code == 200, answer.text
    (told,) = (one for one in answer.json()["parameter"] if one["name"] == "decision")
    return "permit" in told.values()


_VEILS = {
    "a mask": (
        "masked",
        "mine",
        '@hides("Observation.subject") permit (principal in Role::"masked", action, resource);',
    ),
    "a study": ("researcher", studies("research").of("Observation", "mine"), ""),
}
"""A role that does not see whose a record is, under what id it sees it, and by what policy."""


@pytest.mark.parametrize("name", _VEILS)
async def test_what_hides_whose_a_record_is_hides_no_denial(house: House, name: str) -> None:
    role, id, policy = _VEILS[name]
    asks = replace(FREE, roles=frozenset({role}))
    async with (
        open_house(house.store, policies={"masked.cedar": policy}) as again,
        again.client_of(asks) as http,
    ):
        await _filled(again, [])
        assert (await http.get(f"Observation/{id}")).status_code == 200, "it proves nothing"
        await again.put(consent("no", "here", {"type": "deny"}))
        assert (await http.get(f"Observation/{id}")).status_code == 404
        if role == "masked":
            asked = {"actor": "Practitioner/other", "resource": "Observation/mine"}
            told = await http.get("Consent/$consent-check", params=asked)
            assert "permit" not in told.text


async def test_nothing_is_decided_before_anybody_has_looked(house: House) -> None:
    """A decision that is asked for too early closes, and does not open."""
    from careplane.access.consent.book import Books
    from careplane.access.consent.consents import Consents
    from careplane.access.scopes import Permission
    from careplane.kernel.clock import system_clock
    from tests.fhir_house import DATA, decider

    early = decider(consents=Consents(Books(house.store, system_clock), DATA, Choices()))
    with pytest.raises(Forbidden):
        early.require(FREE, Permission.READ, "Patient")
    await early.fresh(TENANT)
    early.require(FREE, Permission.READ, "Patient")


async def test_a_record_that_changes_hands_meanwhile_is_judged_anew(house: House) -> None:
    """The read that looks whose it is and the search that asks may see two versions."""
    await _filled(house, [DENIAL])
    read = house.store.read
    moved: list[str] = []

    async def moving(tenant: Any, type: str, id: str) -> Any:
        found = await read(tenant, type, id)
        if id == "mine" and not moved:
            moved.append(id)
            await house.put(observation("mine", "elsewhere", code="moved"))
        return found

    await house.put(consent("c", "here", {"type": "deny", "actor": [actor("Practitioner/n")],
                                          "code": [{"coding": [coding("x", "y")]}]}))  # fmt: skip
    house.store.read = moving  # type: ignore[method-assign]
    try:
        async with house.client_of(FREE) as http:
            assert (await http.get("Observation/mine")).status_code == 404
    finally:
        del house.store.read


async def test_a_duplicate_patient_is_not_a_way_around(house: House) -> None:
    """A record about two patients is closed if one of them has denied it."""
    await _filled(house, [DENIAL, patient("third")])
    both = {"resourceType": "Appointment", "id": "both", "status": "proposed",
            "participant": [{"actor": to("Patient/elsewhere"), "status": "accepted"},
                            {"actor": to("Patient/third"), "status": "accepted"}]}  # fmt: skip
    await house.put(both)
    async with house.client_of(FREE) as http:
        assert (await http.get("Appointment/both")).status_code == 404
        assert not (await http.get("Appointment?actor=Patient/third")).json()["total"]


async def test_a_search_by_one_patient_asks_the_others_too(house: House) -> None:
    """An Account has several subjects: one who is named in the search does not stand for all."""
    both = {"resourceType": "Account", "id": "both", "status": "active",
            "subject": [to("Patient/elsewhere"), to("Patient/here")]}  # fmt: skip
    await _filled(house, [DENIAL, both])
    async with house.client_of(FREE) as http, house.client_of(OTHER) as other:
        for name in ("subject", "patient"):
            url = f"Account?{name}=Patient/here"
            assert (await http.get(url)).json()["total"] == 0
            assert (await other.get(url)).json()["total"] == 1


async def test_many_denials_hold_as_one_does(house: House) -> None:
    """A set so large that an engine keeps it apart, as it is and after one of it is gone."""
    entries = []
    for n in range(150):
        denial = consent(f"c{n}", f"p{n}", {"type": "deny", "actor": [actor("Practitioner/n")]})
        entries += [
            entry("PUT", f"Patient/p{n}", patient(f"p{n}")),
            entry("PUT", f"Observation/o{n}", observation(f"o{n}", f"p{n}")),
            *([entry("PUT", f"Consent/c{n}", denial)] if n < 140 else []),
        ]
    await house.http.post("", content=bundle("transaction", *entries))
    async with house.client_of(FREE) as http, house.client_of(OTHER) as other:
        for type in ("Patient", "Observation"):
            for free in (10, 11):
                counted = await http.get(f"{type}?_summary=count")
                assert counted.json()["total"] == free
                listed = await http.get(f"{type}?_sort=-_id&_count=200")
                assert len(listed.json()["entry"]) == free
                await house.http.delete("Consent/c7")
            await house.http.put("Consent/c7", json=consent(
                "c7", "p7", {"type": "deny", "actor": [actor("Practitioner/n")]}))  # fmt: skip
        found = await http.get("Observation?subject:Patient._id=p3,p145")
        assert found.json()["total"] == 1
        assert (await other.get("Patient?_summary=count")).json()["total"] == 150
