"""What the journal of subscriptions remembers, over every engine of state."""

from __future__ import annotations

from pathlib import Path

import pytest

from careplane.interop.subscriptions.journal import DeadLetter, Event, Journal, Standing
from careplane.storage.ports.records import Tenant
from tests.contracts.test_state import STATES

pytestmark = pytest.mark.anyio


def event(number: int) -> Event:
    return Event(number, number * 10, 0, "Patient", f"p{number}", 1, "PUT")


@pytest.mark.parametrize("engine", STATES)
async def test_events_by_number(engine: str, tmp_path: Path) -> None:
    state = STATES[engine](tmp_path)
    journal, other = Journal(state, Tenant(1)), Journal(state, Tenant(2))
    await journal.append("a", [event(1), event(2), event(3)])
    await journal.append("a", [event(4)])
    for number in range(5, 300):
        await journal.append("a", [event(number)])
    for neighbour in ("a-b", "a.b", "aa", "A"):
        await journal.append(neighbour, [event(1)])
    await other.append("a", [event(1)])
    assert [e.number for e in await journal.events("a", 1, 3)] == [2, 3, 4]
    assert [e.number for e in await journal.events("a", 0)] == list(range(1, 300))
    assert await journal.events("a", 299) == []
    assert [e.number for e in await journal.events("a-b", 0)] == [1]
    assert await journal.last("a", Standing(delivered=2, t=20)) == (299, 2990)
    assert await journal.last("a", Standing(delivered=299, t=2990)) == (299, 2990)
    assert await journal.last("b", Standing()) == (0, 0)
    await journal.prune("a", 250)
    assert [e.number for e in await journal.events("a", 0)] == list(range(251, 300))
    await journal.forget("a")
    assert await journal.events("a", 0) == []
    assert len(await journal.events("aa", 0)) == 1
    assert len(await other.events("a", 0)) == 1
    await state.close()


@pytest.mark.parametrize("engine", STATES)
async def test_how_far_a_subscription_is(engine: str, tmp_path: Path) -> None:
    state = STATES[engine](tmp_path)
    journal = Journal(state, Tenant(1))
    assert await journal.cursor() is None
    await journal.follow(17)
    assert await journal.cursor() == 17
    assert await journal.standing("a") == Standing()
    here = Standing(True, 3, 4, 40, 1, 99, "The endpoint answered 503.", 2)
    await journal.stand("a", here)
    assert await journal.standing("a") == here
    assert await journal.standings() == {"a": here}
    await journal.bury("a", DeadLetter(1, 4, 0, "gone"))
    assert await journal.dead("a") == [DeadLetter(1, 4, 0, "gone")]
    await journal.forget("a")
    assert await journal.dead("a") == []
    assert await journal.standings() == {}
    await state.close()


@pytest.mark.parametrize("engine", STATES)
async def test_what_is_matched_again_is_written_over(engine: str, tmp_path: Path) -> None:
    """A crash between the events and the cursor: the same changes get the same numbers."""
    state = STATES[engine](tmp_path)
    journal = Journal(state, Tenant(1))
    await journal.append("a", [event(1), event(2)])
    await journal.append("a", [event(1), event(2)])
    await journal.append("a", [event(1), event(2), event(3)])
    assert [e.number for e in await journal.events("a", 0)] == [1, 2, 3]
    await state.close()
