"""One unit of work: what writes come to, and how they become durable together with their audit."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

from msgspec import Struct

from careplane.kernel.errors import Busy, Invalid, Issue, Stale
from careplane.records.account import Account
from careplane.records.analytes import MAP
from careplane.records.parts import Parts
from careplane.records.results import Effect, Written
from careplane.storage.ports.records import DEFINING, Guard, Put, Unit, Version

T = TypeVar("T")
_TRIES = 16


class Draft(Struct, frozen=True):
    """One write, decided and not yet done. Without `put` nothing is to be written and `current`
    stays as it is. `issues` see `Written`."""

    effect: Effect
    put: Put | None = None
    current: Version | None = None
    guards: tuple[Guard, ...] = ()
    issues: tuple[Issue, ...] = ()


async def commit(parts: Parts, account: Account, drafts: Sequence[Draft]) -> tuple[Written, ...]:
    """Write all drafts in one step. Raises Stale where the world has moved on, Outdated where
    their rows lack those of a new search parameter."""
    puts = tuple(draft.put for draft in drafts if draft.put)
    account.saw([draft.current for draft in drafts if draft.current and not draft.put])
    if not puts:
        return tuple(Written(draft.effect, draft.current) for draft in drafts)
    if parts.room is not None and any(put.method != "DELETE" for put in puts):
        parts.room(account.caller.tenant)
    guards = tuple(dict.fromkeys(guard for draft in drafts for guard in draft.guards))
    after = account.with_writes(puts)
    _define_apart(parts, account, puts)
    if parts.definitions is not None:
        await parts.definitions.writing(account.caller.tenant)
    unit = Unit(puts, guards, after.success(parts.clock), parts.defined)
    with parts.step("commit"):
        receipt = await parts.store.commit(account.caller.tenant, unit)
    if parts.definitions is not None and any(put.type in (DEFINING, MAP) for put in puts):
        parts.definitions.forget(account.caller.tenant)
    parts.decider.wrote(account.caller.tenant, puts)
    account.kept = True
    account.absorb(after)
    parts.announce(account.caller.tenant, receipt.versions, [put.rows for put in puts])
    written = iter(receipt.versions)
    return tuple(
        Written(draft.effect, next(written) if draft.put else draft.current, draft.issues)
        for draft in drafts
    )


def _define_apart(parts: Parts, account: Account, puts: Sequence[Put]) -> None:
    """Two search parameters of one unit do not have the same code."""
    defining = [put for put in puts if put.type == DEFINING and put.method != "DELETE"]
    if parts.definitions is None or len(defining) < 2:
        return
    seen: set[tuple[str, str]] = set()
    for put in defining:
        version = Version(put.type, put.id, 0, 0, put.method, put.rest, 0)
        for custom in parts.definitions.check(account.caller.tenant, put.id, version):
            if (custom.base, custom.code) in seen:
                text = f"Two search parameters have the code {custom.code!r} on {custom.base}."
                raise Invalid(text, issues=(Issue("error", "duplicate", text),))
            seen.add((custom.base, custom.code))


async def persist(attempt: Callable[[], Awaitable[T]]) -> T:
    """Try again from the start while others get in between, within bounds. The client never sees
    Stale."""
    for round in range(_TRIES):
        try:
            return await attempt()
        except Stale:
            # Some jitter, so that two that collide do not go on colliding.
            jitter = random.random()  # noqa: S311  (no secret)  # nosec B311
            await asyncio.sleep(jitter * 0.002 * round)
    raise Busy("Others keep changing the same records; send the request again.")
