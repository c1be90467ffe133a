"""Health links over every state: attempts and openings count right however many come at once, and
what is off is off on every process."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from careplane.app.erasing import Outputs
from careplane.kernel.errors import Forbidden, Incorrect, NotFound, TooMany
from careplane.sharing.links.link import ATTEMPTS, Link
from careplane.sharing.links.shares import DAY
from careplane.storage.ports.state import StateStore
from tests.contracts.test_state import STATES
from tests.fhir_house import TENANT, patient
from tests.sharing_house import (
    OTHER,
    PATIENT,
    PROXY,
    ROOT,
    Sharing,
    coded,
    open_sharing,
    opened,
    payload,
)

pytestmark = pytest.mark.anyio
CODE = "correct horse"
UNFIT: tuple[dict[str, Any], ...] = (
    {"contents": ()},
    {"contents": ("everything",)},
    {"seconds": 59},
    {"seconds": 367 * 86_400},
    {"label": "x" * 81},
    {"passcode": "12345"},
    {"passcode": "x" * 65},
    {"direct": True, "passcode": CODE},
)


@pytest.fixture(params=STATES)
async def state(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[StateStore]:
    state = STATES[request.param](tmp_path)
    yield state
    await state.close()


@pytest.fixture
async def two(state: StateStore) -> AsyncIterator[Sharing]:
    """Two processes on one state."""
    async with open_sharing(state, 2) as sharing:
        yield sharing


async def mine(sharing: Sharing) -> Link:
    """The newest link of the patient."""
    return (await sharing.processes[1].of(PATIENT, "p"))[0]


async def test_a_link_is_made_opened_and_seen(two: Sharing) -> None:
    link = await two.make(passcode=CODE, label="Dr. R", shown=False)
    read = payload(link)
    assert (read["flag"], read["label"], len(read["key"])) == ("LP", "Dr. R", 43)
    assert read["url"].startswith(ROOT)
    assert len(read["url"]) <= 128
    answer = await two.ask(link, 1, passcode=CODE)
    assert answer.status_code == 200
    (file,) = answer.json()["files"]
    kind, content = opened(file["embedded"], read["key"])
    assert (kind, content["type"]) == ("application/fhir+json", "document")
    (opening,) = (await mine(two)).openings
    assert (opening.recipient, opening.number) == ("Dr. R", 1)
    assert opening.at == two.clock.now


async def test_of_many_guesses_at_once_few_count_and_the_link_is_off_for_good(
    two: Sharing,
) -> None:
    link = await two.make(passcode=CODE)
    answers = await asyncio.gather(
        *(two.ask(link, n % 2, passcode=f"guess {n}") for n in range(20))
    )
    codes = [one.status_code for one in answers]
    assert sorted(codes) == [401] * ATTEMPTS + [404] * (20 - ATTEMPTS)
    left = [one.json()["remainingAttempts"] for one in answers if one.status_code == 401]
    assert sorted(left) == list(range(ATTEMPTS))
    assert (await two.ask(link, 0, passcode=CODE)).status_code == 404
    assert (await mine(two)).ended == "locked"


async def test_openings_at_once_are_all_counted(two: Sharing) -> None:
    link = await two.make()
    answers = await asyncio.gather(*(two.ask(link, n % 2, recipient=f"R{n}") for n in range(8)))
    assert {one.status_code for one in answers} == {200}
    found = await mine(two)
    assert found.opened == 8
    assert {one.recipient for one in found.openings} == {f"R{n}" for n in range(8)}


async def test_what_is_revoked_is_off_on_every_process_with_its_files(two: Sharing) -> None:
    link = await two.make()
    manifest = (await two.ask(link, 1, embeddedLengthMax=0)).json()
    place = manifest["files"][0]["location"]
    assert (await two.apps[1].get(place)).status_code == 200
    await two.shares.revoke(PATIENT, "p", link.id)
    assert (await two.ask(link, 1)).status_code == 404
    assert (await two.apps[1].get(place)).status_code == 404
    assert (await mine(two)).ended == "revoked"


def mother(**more: Any) -> dict[str, Any]:
    """The RelatedPerson of the proxy."""
    role = coded("mother", "MTH", "http://terminology.hl7.org/CodeSystem/v3-RoleCode")
    return {"resourceType": "RelatedPerson", "id": "r", "active": True, "relationship": [role],
            "patient": {"reference": "Patient/p"}, **more}  # fmt: skip


async def test_the_link_of_a_proxy_opens_while_the_relation_holds(two: Sharing) -> None:
    today = datetime.fromtimestamp(two.clock.now / 1_000_000, UTC).date()
    child = patient("p", birthDate=f"{today.year - 10}-01-01")
    yesterday = str(today - timedelta(days=1))
    link = None
    for ended in (
        mother(active=False),
        mother(period={"end": yesterday}),
        mother(patient={"reference": "Patient/q"}),
        {**child, "birthDate": f"{today.year - 17}-01-01"},  # a mother sees little of her then
        {**child, "birthDate": f"{today.year - 19}-01-01"},
    ):
        for one in (child, mother()):
            await two.house.put(one)
        link = link or await two.make(PROXY)
        place = (await two.ask(link, 1, embeddedLengthMax=0)).json()["files"][0]["location"]
        assert (await two.apps[1].get(place)).status_code == 200
        await two.house.put(ended)
        assert (await two.ask(link, 1)).status_code == 404, ended
        assert (await two.apps[0].get(place)).status_code == 404, ended
    await two.house.put(child)
    assert (await two.ask(link)).status_code == 200, "it holds again"


async def test_a_link_ends_in_time(two: Sharing) -> None:
    link = await two.make(seconds=3600)
    two.clock.now += 3600 * 1_000_000 - 1
    assert (await two.ask(link)).status_code == 200
    two.clock.now += 1
    assert (await two.ask(link)).status_code == 404


async def test_links_are_listed_by_patient_and_forgotten_with_the_patient(two: Sharing) -> None:
    links = [await two.make() for _ in range(3)]
    assert {one.id for one in await two.processes[1].of(PATIENT, "p")} == {x.id for x in links}
    assert await two.processes[1].of(OTHER, "q") == []
    assert await two.shares.forget(TENANT, "p") == 3
    assert await two.processes[1].of(PATIENT, "p") == []
    assert (await two.ask(links[0], 1)).status_code == 404


async def test_links_that_ended_long_ago_are_swept(two: Sharing) -> None:
    old = await two.make(seconds=3600)
    new = await two.make(seconds=200 * 86_400)
    two.clock.now += 92 * DAY
    sweeping = asyncio.create_task(two.shares.sweep())
    async with asyncio.timeout(20):
        while {one.id for one in await two.processes[1].of(PATIENT, "p")} != {new.id}:
            await asyncio.sleep(0.01)
    sweeping.cancel()
    await asyncio.gather(sweeping, return_exceptions=True)
    assert old.id != new.id


async def test_a_patient_has_so_many_links_that_work(two: Sharing) -> None:
    links = [await two.make() for _ in range(20)]
    with pytest.raises(TooMany):
        await two.make()
    await two.shares.revoke(PATIENT, "p", links[0].id)
    assert await two.make()


async def test_what_cannot_be_wished_for_is_refused(two: Sharing) -> None:
    for wish in UNFIT:
        with pytest.raises(Incorrect):
            await two.make(**wish)


async def test_only_the_patient_makes_sees_and_ends_links(two: Sharing) -> None:
    link = await two.make()
    with pytest.raises(Forbidden):
        await two.make(OTHER)
    with pytest.raises(Forbidden):
        await two.shares.of(OTHER, "p")
    with pytest.raises(Forbidden):
        await two.shares.revoke(OTHER, "p", link.id)
    with pytest.raises(NotFound):
        await two.shares.revoke(OTHER, "q", link.id)
    assert (await two.ask(link)).status_code == 200


async def test_links_go_with_an_erased_record(two: Sharing) -> None:
    link = await two.make()
    outputs = Outputs()
    outputs.of(two.house.runner, two.shares)
    assert await outputs.discard(TENANT, "q") == 0
    assert (await two.ask(link)).status_code == 200
    assert await outputs.discard(TENANT, "p") == 1
    assert (await two.ask(link, 1)).status_code == 404
