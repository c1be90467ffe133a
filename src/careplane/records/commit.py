"""One unit of work: what writes come to, and how they become durable together with their audit."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

from msgspec import Struct

from careplane.kernel.errors import Busy, Stale
from careplane.records.account import Account
from careplane.records.parts import Parts
from careplane.records.results import Effect, Written
from careplane.storage.ports.records import Guard, Put, Unit, Version

T = TypeVar("T")
_TRIES = 16


class Draft(Struct, frozen=True):
    """One write, decided and not yet done. Without `put` nothing is to be written and `current`
    stays as it is."""

    effect: Effect
    put: Put | None = None
    current: Version | None = None
    guards: tuple[Guard, ...] = ()


async def commit(parts: Parts, account: Account, drafts: Sequence[Draft]) -> tuple[Written, ...]:
    """Write all drafts in one step. Raises Stale where the world has moved on."""
    puts = tuple(draft.put for draft in drafts if draft.put)
    account.saw([draft.current for draft in drafts if draft.current and not draft.put])
    if not puts:
        return tuple(Written(draft.effect, draft.current) for draft in drafts)
    guards = tuple(dict.fromkeys(guard for draft in drafts for guard in draft.guards))
    after = account.with_writes(puts)
    unit = Unit(puts, guards, after.success(parts.clock))
    with parts.step("commit"):
        receipt = await parts.store.commit(account.caller.tenant, unit)
    account.kept = True
    account.absorb(after)
    parts.announce(account.caller.tenant, receipt.versions, [put.rows for put in puts])
    written = iter(receipt.versions)
    return tuple(
        Written(draft.effect, next(written) if draft.put else draft.current) for draft in drafts
    )


async def persist(attempt: Callable[[], Awaitable[T]]) -> T:
    """Try again from the start while others get in between, within bounds. The client never sees
    Stale."""
    for round in range(_TRIES):
        try:
            return await attempt()
        except Stale:
            # Some jitter, so that two that collide do not go on colliding.
            await asyncio.sleep(random.random() * 0.002 * round)  # noqa: S311  (no secret)
    raise Busy("Others keep changing the same records; send the request again.")
