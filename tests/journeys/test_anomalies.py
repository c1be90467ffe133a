"""A week on a made-up ward, with misuse of each kind planted in normal work: all of it is found,
and false alarms are few and counted. Reviews are kept."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import pytest

from careplane.kernel.clock import format_instant, system_clock
from careplane.kernel.errors import Incorrect
from careplane.ledger.audit import AuditRecord, Outcome, encode
from careplane.ledger.trail import Trail
from careplane.records.audits.anomalies.catalogue import RULES
from careplane.records.audits.anomalies.looking import Looking
from careplane.records.audits.anomalies.material import DAY, Finding, Limits
from careplane.records.audits.anomalies.review import Reviews
from careplane.storage.engines.memory import MemoryState, MemoryStore
from tests.fhir_house import TENANT, House, open_house, patient

pytestmark = pytest.mark.anyio
MONDAY = int(datetime(2026, 3, 2, tzinfo=UTC).timestamp()) * 1_000_000
HOUR = DAY // 24
STAFF = {"physician": 6, "nurse": 10, "front-desk": 3}
PATIENTS, OUTSIDE = 60, 80
LIMITS = Limits(hours={"front-desk": (7, 19), "physician": (0, 24), "nurse": (0, 24)})


@dataclass
class Ward:
    """The made-up ward: what happens is written into its trail."""

    house: House
    chance: random.Random
    planted: set[tuple[str, str, str]] = field(default_factory=set)

    async def opens(self, agent: str, patient: str, at: int, **more: Any) -> None:
        role = agent.rpartition("-")[0]
        record = AuditRecord(
            at, 1, f"Practitioner/{agent}", "read", more.pop("outcome", Outcome.SUCCESS),
            patients=(patient,) if patient else (), roles=role, **more,
        )  # fmt: skip
        await self.house.store.append(TENANT, encode(record))

    async def plant(self, rule: str, agent: str, patient: str, at: int, **more: Any) -> None:
        alone = rule in ("after-hours", "bulk", "denials")
        self.planted.add((rule, f"Practitioner/{agent}", "" if alone else patient))
        await self.opens(agent, patient, at, **more)


def agents() -> list[str]:
    return [f"{role}-{n}" for role, count in STAFF.items() for n in range(count)]


async def people(house: House) -> None:
    for place, agent in enumerate(agents()):
        await house.put({
            "resourceType": "Practitioner", "id": agent, "birthDate": f"19{60 + place}-01-01",
            "name": [{"family": f"Staff{agent}", "given": [f"Given{agent}"]}],
            "address": [{"line": [f"{agent} lane 4"], "postalCode": "10115"}],
        })  # fmt: skip
    for n in range(PATIENTS + OUTSIDE):
        inside = n < PATIENTS
        await house.put(
            patient(
                f"p{n}",
                name=[{"family": f"Family{n}", "given": ["A"]}],
                address=[{"line": [f"Road{n} 1"], "postalCode": "10117"}],
            )
        )
        await house.put({
            "resourceType": "Encounter", "id": f"e{n}", "class": {"code": "IMP"},
            "status": "in-progress" if inside else "finished",
            "subject": {"reference": f"Patient/p{n}"},
            "period": {"start": "2026-02-20"} if inside
            else {"start": "2025-11-01", "end": "2025-11-20"},
            "participant": [{"individual": {"reference": f"Practitioner/{a}"}} for a in agents()],
        })  # fmt: skip


async def work(ward: Ward, first: int, days: int) -> None:
    """Normal work: everybody opens a dozen of the ward's patients a day, in their hours."""
    for day in range(days):
        for agent in agents():
            for n in ward.chance.sample(range(PATIENTS), ward.chance.randint(6, 14)):
                at = first + day * DAY + ward.chance.randint(8 * 60, 17 * 60) * HOUR // 60
                await ward.opens(agent, f"p{n}", at)
            if ward.chance.random() < 0.3:
                at = first + day * DAY + 10 * HOUR
                await ward.opens(agent, "", at, outcome=Outcome.MINOR, detail="NotFound")


async def special(house: House, id: str, **more: Any) -> str:
    """A patient of nobody on the ward."""
    await house.put(patient(id, **more))
    return id


async def misuse(ward: Ward) -> None:
    house, noon = ward.house, MONDAY + 2 * DAY + 12 * HOUR
    same = await special(house, "x-name", name=[{"family": "STAFFnurse-1"}])
    await ward.plant("same-name", "nurse-1", same, noon)
    near = [{"line": ["nurse-2 lane 9"], "postalCode": "10115"}]
    await ward.plant("same-address", "nurse-2", await special(house, "x-near", address=near), noon)
    own = await special(
        house,
        "x-own",
        birthDate="1969-01-01",
        name=[{"family": "Staffnurse-3", "given": ["Givennurse-3"]}],
    )
    await ward.plant("own-record", "nurse-3", own, noon)
    vip = await special(house, "x-vip", meta={"tag": [{"code": "VIP"}]})
    await ward.plant("labelled", "physician-1", vip, noon)
    dead = await special(house, "x-dead", deceasedDateTime="2024-01-01")
    await ward.plant("closed-record", "physician-2", dead, noon)
    await ward.plant("broken-glass", "physician-3", "p3", noon, purpose="BTG", emergency=True)
    for n in range(6):
        await ward.plant("denials", "nurse-4", "", noon + n * HOUR // 20, outcome=Outcome.MINOR)
    for n in range(PATIENTS + OUTSIDE):
        await ward.plant("bulk", "nurse-5", f"p{n}", noon + n * HOUR // 30)
    await ward.plant("after-hours", "front-desk-1", "p7", MONDAY + 3 * DAY + 23 * HOUR)
    await ward.plant("no-relation", "nurse-6", await special(house, "x-nobody"), noon)
    gone = await special(house, "x-gone")
    await house.put({
        "resourceType": "Encounter", "id": "e-gone", "class": {"code": "IMP"},
        "status": "finished", "subject": {"reference": f"Patient/{gone}"},
        "period": {"start": "2021-01-01", "end": "2021-01-09"},
    })  # fmt: skip
    await ward.plant("closed-record", "nurse-7", gone, noon)


@pytest.fixture
async def ward() -> AsyncIterator[Ward]:
    async with open_house(MemoryStore(system_clock)) as house:
        await people(house)
        yield Ward(house, random.Random(7))


def looking(ward: Ward) -> Looking:
    return Looking(Trail(ward.house.store), ward.house.door, TENANT, LIMITS)


def named(findings: list[Finding]) -> set[tuple[str, str, str]]:
    return {(one.rule, one.agent, one.patient) for one in findings}


async def test_all_that_is_planted_is_found_and_little_else(ward: Ward) -> None:
    await work(ward, MONDAY - 21 * DAY, 21)
    await work(ward, MONDAY, 7)
    await misuse(ward)
    found = await looking(ward).look(MONDAY, MONDAY + 7 * DAY)
    assert {rule for rule, _, _ in ward.planted} == set(RULES), "each rule has its misuse"
    assert ward.planted <= named(found)
    strangers = {"x-name", "x-near", "x-own", "x-vip", "x-dead", "x-gone"}
    false = [one for one in found if (one.rule, one.agent, one.patient) not in ward.planted
             and one.patient not in strangers
             and (one.rule, one.agent) != ("no-relation", "Practitioner/nurse-5")]  # fmt: skip
    accesses = 7 * sum(STAFF.values()) * 10
    assert len(false) <= accesses // 500, Counter(one.rule for one in false)


async def test_a_quiet_week_is_quiet(ward: Ward) -> None:
    await work(ward, MONDAY, 7)
    assert len(await looking(ward).look(MONDAY, MONDAY + 7 * DAY)) <= 1


async def test_a_night_shift_is_not_late_and_a_care_team_explains(ward: Ward) -> None:
    at = MONDAY + 3 * HOUR
    await ward.opens("nurse-1", "p1", at)
    teamed = await special(ward.house, "x-team")
    await ward.house.put({
        "resourceType": "CareTeam", "id": "t", "status": "active",
        "subject": {"reference": f"Patient/{teamed}"}, "period": {"start": "2026-01-01"},
        "participant": [{"member": {"reference": "Practitioner/nurse-1"}}],
    })  # fmt: skip
    await ward.opens("nurse-1", teamed, at)
    assert await looking(ward).look(MONDAY, MONDAY + DAY) == []
    await ward.opens("nurse-2", teamed, at)
    found = await looking(ward).look(MONDAY, MONDAY + DAY, ["no-relation"])
    assert named(found) == {("no-relation", "Practitioner/nurse-2", teamed)}


async def test_the_look_itself_is_in_the_trail(ward: Ward) -> None:
    await ward.opens("nurse-1", "p1", MONDAY + HOUR)
    before = len(await ward.house.audit())
    await looking(ward).look(MONDAY, MONDAY + DAY)
    added = (await ward.house.audit())[before:]
    assert added
    assert {record.agent for record in added} == {"service/audit"}
    assert any("p1" in record.patients for record in added)


async def test_reviews_are_kept_and_a_finding_keeps_its_key(ward: Ward) -> None:
    await ward.plant("no-relation", "nurse-6", await special(ward.house, "x"), MONDAY + HOUR)
    (one,) = await looking(ward).look(MONDAY, MONDAY + DAY)
    (again,) = await looking(ward).look(MONDAY - DAY, MONDAY + 2 * DAY)
    assert one.key == again.key
    reviews = Reviews(MemoryState(), TENANT, system_clock)
    with pytest.raises(Incorrect):
        await reviews.give(one.key, "explained", "Practitioner/auditor")
    with pytest.raises(Incorrect):
        await reviews.give(one.key, "forgotten", "Practitioner/auditor", "x")
    with pytest.raises(Incorrect):
        await reviews.give("../../x", "seen", "Practitioner/auditor")
    await reviews.give(one.key, "seen", "Practitioner/auditor")
    await reviews.give(one.key, "explained", "Practitioner/auditor", "a consult\nby phone")
    kept = (await reviews.all())[one.key]
    assert (kept.verdict, kept.by) == ("explained", "Practitioner/auditor")
    assert "\n" not in kept.note
    assert format_instant(kept.at) > "2026"
