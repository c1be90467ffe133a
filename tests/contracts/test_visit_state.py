"""What scheduling remembers beside the records, over every engine: proposals, claims, feeds."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from careplane.access.caller import Caller
from careplane.access.scopes import parse_scopes
from careplane.kernel.errors import TooMany
from careplane.kernel.ids import secret_id
from careplane.storage.ports.records import Tenant
from careplane.storage.ports.state import StateStore
from careplane.telehealth.scheduling.calendars.feeds import Feeds
from careplane.telehealth.scheduling.notices.sent import Sent
from careplane.telehealth.scheduling.proposals import Proposals, id_of
from tests.contracts.conftest import Hands
from tests.contracts.test_state import STATES
from tests.scheduling_house import MINUTE, NOW

pytestmark = pytest.mark.anyio
ONE, TWO = Tenant(1), Tenant(2)


@pytest.fixture(params=STATES)
async def state(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[StateStore]:
    state = STATES[request.param](tmp_path)
    yield state
    await state.close()


async def test_of_many_claims_of_one_message_one_is_granted(state: StateStore) -> None:
    clock = Hands(NOW)
    claims = [Sent(state, ONE, clock) for _ in range(8)]
    granted = await asyncio.gather(*(one.claim(NOW, "reminder-a") for one in claims))
    assert sorted(granted) == [False] * 7 + [True]
    assert await Sent(state, TWO, clock).claim(NOW, "reminder-a")
    assert await claims[0].claim(NOW, "reminder-b")
    await claims[0].failed(NOW, "reminder-a", 1)
    assert await claims[1].claim(NOW, "reminder-a")
    await claims[0].failed(NOW, "reminder-a", 5)
    assert not await claims[1].claim(NOW, "reminder-a")


async def test_claims_of_long_ago_are_forgotten_and_others_stay(state: StateStore) -> None:
    clock = Hands(NOW)
    sent = Sent(state, ONE, clock)
    assert await sent.claim(NOW, "old")
    assert await sent.claim(NOW + 40 * 86_400_000_000, "new")
    clock.now += 31 * 86_400_000_000
    await sent.sweep()
    assert await sent.claim(NOW, "old")
    assert not await sent.claim(NOW + 40 * 86_400_000_000, "new")


async def test_a_proposal_is_known_for_an_hour_to_its_own_tenant(state: StateStore) -> None:
    clock = Hands(NOW)
    proposals = Proposals(state, clock, secret_id)
    reason = ("reasonCode", [{"text": "x"}])
    prefix = await proposals.keep(ONE, (("s", "visit", 30),), ("Patient/p",), (reason,))
    id = id_of(prefix, 0, NOW)
    wanted = await proposals.wanted(ONE, id)
    assert wanted is not None
    assert (wanted.schedule, wanted.start, wanted.end) == ("s", NOW, NOW + 30 * MINUTE)
    assert (wanted.patients, wanted.more) == (("Patient/p",), (reason,))
    for other in (id_of(prefix, 1, NOW), "p" + "0" * 32 + "-0-1", "x", id + "0" * 20):
        assert await proposals.wanted(ONE, other) is None
    assert await proposals.wanted(TWO, id) is None
    clock.now += 61 * MINUTE
    assert await proposals.wanted(ONE, id) is None
    await proposals.sweep(ONE)
    assert await state.scan(ONE, "schedule-proposals") == []


async def test_somebody_has_some_feeds_and_ends_their_own(state: StateStore) -> None:
    async def stands(caller: Caller) -> bool:
        return True

    feeds = Feeds(None, state, Hands(NOW), secret_id, stands)  # type: ignore[arg-type]
    mine, other = (Caller(ONE, id, id, parse_scopes("user/*.rs")) for id in ("me", "you"))
    await feeds.open(other, "Practitioner/d")
    secrets = {(await feeds.open(mine, "Practitioner/d"))[0] for _ in range(20)}
    assert len(secrets) == 20
    kept = [entry.key + entry.value.hex() for _, entry in await state.scan(ONE, "calendar-feeds")]
    assert not any(secret in text for secret in secrets for text in kept)
    with pytest.raises(TooMany, match="20 feeds"):
        await feeds.open(mine, "Practitioner/d")
    assert await feeds.end(mine, "Practitioner/e") == 0
    assert await feeds.end(mine, "Practitioner/d") == 20
    assert len(await state.scan(ONE, "calendar-feeds")) == 1
