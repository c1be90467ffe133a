"""Consents that change while others ask: each answer is that of before or of after, and nothing is
shown any more once the writer has its answer."""

from __future__ import annotations

import asyncio
import random
import time
from pathlib import Path
from typing import Any

import pytest

from careplane.access.caller import Caller
from careplane.access.consent.book import Books
from careplane.access.consent.consents import Consents
from careplane.access.scopes import Permission, parse_scopes
from careplane.kernel.clock import system_clock
from careplane.kernel.errors import Fault, NotFound
from careplane.records import commands as c
from careplane.search.plan import Nothing
from tests.consent_house import actor, consent
from tests.contracts.engines import ENGINES
from tests.fhir_house import (
    DATA,
    TENANT,
    Choices,
    House,
    bundle,
    entry,
    observation,
    open_house,
    patient,
)

pytestmark = pytest.mark.anyio

DOCTOR = Caller(TENANT, "Practitioner/d", "D", parse_scopes("user/*.rs"))
SYSTEM = Caller(TENANT, "client/all", "All", parse_scopes("system/*.cruds"))
PATIENTS = 12
DENY = {"type": "deny", "actor": [actor("Practitioner/d")]}
PERMIT = {"type": "permit", "actor": [actor("Practitioner/d")]}
ORGANIZED = {"type": "deny", "actor": [actor("CareTeam/t")]}
PASSING = {"type": "deny", "period": {"start": "2020-01-01", "end": "2099-01-01"}}
OTHERS = {"type": "deny", "actor": [actor("Practitioner/other")]}
SAYINGS = (DENY, PERMIT, ORGANIZED, PASSING, OTHERS, None)


async def _filled(house: House) -> None:
    team = {"resourceType": "CareTeam", "id": "t", "status": "active",
            "participant": [{"member": {"reference": "Practitioner/d"}}]}  # fmt: skip
    entries = [entry("PUT", "CareTeam/t", team)]
    for n in range(PATIENTS):
        entries.append(entry("PUT", f"Patient/p{n}", patient(f"p{n}")))
        entries.append(entry("PUT", f"Observation/o{n}", observation(f"o{n}", f"p{n}")))
    await house.door.process(SYSTEM, c.Process(bundle("transaction", *entries)))


async def _sees(house: House, n: int) -> bool:
    try:
        await house.door.read(DOCTOR, c.Read("Observation", f"o{n}"))
    except NotFound:
        return False
    return True


async def _change(house: House, draw: random.Random, id: str, n: int) -> None:
    """The Consent of this id says something else, of this patient, or is gone."""
    said = draw.choice(SAYINGS)
    if said is None:
        await house.http.delete(f"Consent/{id}")
    else:
        answer = await house.http.put(f"Consent/{id}", json=consent(id, f"p{n}", said))
        assert answer.status_code in (200, 201)


async def _anew(house: House) -> Consents:
    made = Consents(Books(house.store, system_clock), DATA, Choices())
    await made.books.fresh(TENANT)
    return made


@pytest.mark.parametrize("seed", range(4))
async def test_step_by_step_comes_to_the_same_as_all_at_once(house: House, seed: int) -> None:
    """Laws of the edition: after any changes, by this process or another, each patient is denied
    what he is denied to one who has read all of it now."""
    await _filled(house)
    draw = random.Random(seed)
    grown = await _anew(house)
    for _ in range(40):
        n = draw.randrange(PATIENTS)
        await _change(house, draw, f"c{draw.randrange(8)}", n)
        grown.books.forget(TENANT)
        await grown.books.fresh(TENANT)
        one, other = grown.books.edition(TENANT), (await _anew(house)).books.edition(TENANT)
        assert one is not None
        assert other is not None
        assert _said(one) == _said(other)
    await house.http.delete("CareTeam/t")
    grown.books.forget(TENANT)
    await grown.books.fresh(TENANT)
    assert _said(grown.books.edition(TENANT)) == _said((await _anew(house)).books.edition(TENANT))


def _said(edition: Any) -> Any:
    whose = [f"p{n}" for n in range(PATIENTS)]
    alike = {keys: template for template, keys in edition.alike()}
    each = {id: (edition.template(id), edition.ids(id)) for id in whose}
    return alike, each, edition.naming("Practitioner/d"), edition.naming("Practitioner/other")


async def test_nobody_sees_what_was_denied_before_he_asked(house: House) -> None:
    """Readers and searchers ask all the time while patients deny and permit in turns. Whoever asks
    after a denial was answered, and is answered before it is lifted, sees nothing."""
    await _filled(house)
    denied = dict.fromkeys(range(PATIENTS), 0)  # odd while it surely is denied
    done = False
    looked = dict.fromkeys(range(PATIENTS), 0)  # how often somebody asked while it was

    async def deny(n: int) -> None:
        for _ in range(6):
            await house.put(consent(f"c{n}", f"p{n}", DENY))
            denied[n] += 1
            before = looked[n]
            async with asyncio.timeout(30):
                while looked[n] == before:
                    await asyncio.sleep(0)
            denied[n] += 1
            await house.put(consent(f"c{n}", f"p{n}", DENY, status="inactive"))

    async def read(n: int) -> None:
        while not done:
            before = denied[n]
            seen = await _sees(house, n)
            if before == denied[n] and before % 2:
                assert not seen
                looked[n] += 1
            await asyncio.sleep(0)

    async def search() -> None:
        while not done:
            before = dict(denied)
            found = await house.door.search(DOCTOR, c.Search("Observation", (("_count", "50"),)))
            seen = {version.id for version in found.matches}
            for n, count in before.items():
                if count == denied[n] and count % 2:
                    assert f"o{n}" not in seen
            assert f"o{PATIENTS - 1}" in seen, "the last one never denies anything"
            await asyncio.sleep(0)

    asking = [asyncio.ensure_future(read(n)) for n in range(PATIENTS - 1)]
    asking.append(asyncio.ensure_future(search()))
    await asyncio.gather(*(deny(n) for n in range(PATIENTS - 1)))
    done = True
    await asyncio.gather(*asking)
    await house.put(consent("c0", "p0", DENY))
    assert not await _sees(house, 0)


async def test_a_look_that_fails_is_made_up_for(house: House) -> None:
    """What was read when the look broke off counts at the next: it is not taken for known."""
    await _filled(house)
    async with open_house(house.store) as far:
        assert await _sees(far, 1)
        await house.put(consent("c1", "p1", ORGANIZED))
        newest = house.store.newest

        async def failing(tenant: Any, type: str | None = None) -> int:
            if type == "CareTeam":
                raise Fault("The store is away for a moment.")
            return await newest(tenant, type)

        house.store.newest = failing  # type: ignore[method-assign]
        try:
            decider = far.door._parts.decider
            decider.consents.books.forget(TENANT)  # type: ignore[union-attr]
            with pytest.raises(Fault):
                await _sees(far, 1)
        finally:
            del house.store.newest
        assert not await _sees(far, 1)


async def test_plans_of_callers_who_are_denied_alike_share_one_set(house: House) -> None:
    await _filled(house)
    for n in range(5):
        await house.put(consent(f"c{n}", f"p{n}", {"type": "deny"}))
    grown = await _anew(house)
    some = [grown.node(DOCTOR, p, "Patient") for p in (Permission.READ, Permission.SEARCH)]
    assert some[0] == some[1]
    assert not isinstance(some[0], Nothing)
    assert some[0].part.keys is some[1].part.keys  # type: ignore[union-attr]


async def test_a_starting_process_reads_all_consents_in_no_time(tmp_path: Path) -> None:
    """It decides nothing before it has; so that takes little longer than to fetch them."""
    store = ENGINES["sqlite"](tmp_path, system_clock)
    async with open_house(store, consents=False) as house:
        for at in range(0, 1_000, 250):
            made = [consent(f"c{n}", f"p{n}", {**DENY, "actor": [actor(f"Practitioner/d{n % 20}")]})
                    for n in range(at, at + 250)]  # fmt: skip
            entries = [entry("PUT", f"Consent/{one['id']}", one) for one in made]
            await house.door.process(SYSTEM, c.Process(bundle("transaction", *entries)))
        fetching, reading = [], []
        for _ in range(5):
            started = time.process_time()
            assert len(await store.current(TENANT, "Consent", None, 1_000)) == 1_000
            fetching.append(time.process_time() - started)
            started = time.process_time()
            known = (await _anew(house)).books.edition(TENANT)
            reading.append(time.process_time() - started)
            assert known is not None
            assert known.count() == 1_000
    await store.close()
    assert min(reading) < 6 * min(fetching)
