"""Whatever people do in whatever order: nobody is at two visits at a time, and Slots say so."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from careplane.storage.engines.memory import MemoryStore
from careplane.telehealth.scheduling.occupancy import held_until, moment_of
from tests.contracts.conftest import Hands
from tests.scheduling_house import (
    MINUTE,
    NOW,
    Clinic,
    appointment,
    open_clinic,
    reference,
    resources,
    rule,
    schedule,
    visit_type,
    zone,
)

HOURS = rule("09:00", "11:00", recurrence="FREQ=WEEKLY;BYDAY=MO", step=15)
ACTIONS = ("hold", "book", "direct", "confirm", "move", "cancel", "wait", "lapse")
Step = tuple[str, int, int]
STEPS = st.lists(
    st.tuples(st.sampled_from(ACTIONS), st.integers(0, 30), st.integers(0, 30)), max_size=20
)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(STEPS)
def test_nobody_is_at_two_visits_and_slots_say_what_is_taken(steps: Sequence[Step]) -> None:
    asyncio.run(_run(steps))


async def _run(steps: Sequence[Step]) -> None:
    clock = Hands(NOW)
    async with open_clinic(MemoryStore(clock), clock) as clinic:
        berlin = zone("Europe/Berlin")
        await clinic.put(
            schedule("s", HOURS, visit_type("short", 30)),
            schedule("t", berlin, HOURS, visit_type("long", 45), actors=("Practitioner/d",)),
        )
        service = clinic.service()
        await service.load()
        for action, n, m in steps:
            await _do(clinic, clock, action, n, m)
            if action == "lapse":
                while await service.step():
                    pass
                await service.tick()
            await _holds(clinic, clock.now)


async def _do(clinic: Clinic, clock: Hands, action: str, n: int, m: int) -> None:
    if action == "wait":
        clock.now += n * MINUTE
        return
    visits = resources(await clinic.http.get("Appointment?_sort=_id&_count=100"))
    if action in ("hold", "book"):
        found = await clinic.find(
            patient_reference={"reference": "Patient/p"},
            visit_type=["urn:visit|short", "urn:visit|long"],
        )
        if found:
            one = reference(found[n % len(found)]["id"])
            await clinic.call(f"${action}", appointment_reference=one)
    elif action == "direct":
        start = f"{9 + n % 2:02d}:{15 * (m % 4):02d}"
        end = f"{9 + n % 2 + (m % 4 >= 2):02d}:{(15 * (m % 4) + 30) % 60:02d}"
        wanted = appointment(
            f"2027-03-01T{start}", f"2027-03-01T{end}",
            "Patient/q", "Practitioner/d", "Location/room",
        )  # fmt: skip
        await clinic.call("$book", appointment_resource=wanted)
    elif visits and action in ("confirm", "cancel"):
        one = reference(visits[n % len(visits)]["id"])
        operation = "$book" if action == "confirm" else "$cancel"
        await clinic.call(operation, appointment_reference=one)
    elif visits and action == "move":
        await _move(clinic, visits[n % len(visits)], m)


async def _move(clinic: Clinic, visit: dict[str, Any], m: int) -> None:
    found = await clinic.find(visit_type=["urn:visit|short", "urn:visit|long"])
    if found and visit["status"] == "booked":
        other = found[m % len(found)]
        wanted = {**other, "id": visit["id"], "status": "booked"}
        await clinic.call("$book", appointment_resource=wanted)


async def _holds(clinic: Clinic, now: int) -> None:
    visits = resources(await clinic.http.get("Appointment?_count=100"))
    active = [one for one in visits if one["status"] == "booked" or (held_until(one) or 0) > now]
    spans = sorted((moment_of(one["start"]), moment_of(one["end"])) for one in active)
    for (_, end), (start, _) in pairwise(spans):
        assert end <= start, "the practitioner is at two visits at a time"
    ended = [one for one in visits if one["status"] == "pending" and one not in active]
    taken = {one["slot"][0]["reference"] for one in active}
    unclear = {one["slot"][0]["reference"] for one in ended}
    for slot in resources(await clinic.http.get("Slot?_count=100")):
        is_busy = slot["status"] != "free"
        here = f"Slot/{slot['id']}"
        assert is_busy or here not in taken, "a Slot is free, and somebody has it"
        assert not is_busy or here in taken | unclear, "a Slot is busy, and nobody has it"
