"""Turns of the event loop: so many requests begin in one, the others in their order behind."""

from __future__ import annotations

import asyncio
from collections.abc import MutableMapping
from typing import Any

import pytest

from careplane.app.dispatch import Receive, Scope, Send
from careplane.app.turns import in_turns

pytestmark = pytest.mark.anyio
AT_ONCE = 3


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


class Kept:
    """What the requests of a turn wait for, as the audit trail has it."""

    def __init__(self) -> None:
        self.turn: asyncio.Future[None] | None = None

    async def append(self) -> None:
        if self.turn is None:
            loop = asyncio.get_running_loop()
            self.turn = loop.create_future()
            loop.call_soon(self._end)
        await self.turn

    def _end(self) -> None:
        turn, self.turn = self.turn, None
        assert turn is not None
        turn.set_result(None)


async def receive() -> MutableMapping[str, Any]:
    return {}


async def send(message: MutableMapping[str, Any]) -> None:
    raise AssertionError(message)


async def asked(count: int, gone: frozenset[int] = frozenset()) -> list[str]:
    """What happens when so many requests come at once, of which some go away at once."""
    told: list[str] = []
    kept = Kept()

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        told.append(f"begin {scope['n']}")
        await kept.append()
        told.append(f"end {scope['n']}")

    app = in_turns(answer, AT_ONCE)

    async def one(n: int) -> None:
        await app({"type": "http", "n": n}, receive, send)

    tasks = [asyncio.ensure_future(one(n)) for n in range(count)]
    if gone:
        await asyncio.sleep(0)
        for n in gone:
            tasks[n].cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    return told


async def test_the_answers_of_a_turn_leave_before_the_next_begins() -> None:
    turns = [[0, 1, 2], [3, 4, 5], [6, 7]]
    wanted = [f"{what} {n}" for turn in turns for what in ("begin", "end") for n in turn]
    assert await asked(8) == wanted


@pytest.mark.parametrize("count", [1, AT_ONCE, AT_ONCE + 1, 50])
async def test_all_are_answered_in_their_order(count: int) -> None:
    told = await asked(count)
    for what in ("begin", "end"):
        assert [line for line in told if line.startswith(what)] == [
            f"{what} {n}" for n in range(count)
        ]


async def test_who_went_away_takes_nobodys_place() -> None:
    gone = frozenset({3, 4, 7})
    told = await asked(9, gone)
    assert [line for line in told if line.startswith("begin")] == [
        f"begin {n}" for n in range(9) if n not in gone
    ]


async def test_turns_that_follow_after_a_rest_are_as_the_first() -> None:
    for _ in range(3):
        assert len(await asked(5)) == 10
        await asyncio.sleep(0.001)
