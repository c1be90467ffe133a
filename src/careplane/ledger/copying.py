"""A whole log from one store to another, as it stands: it goes on there under the same numbers.

Whoever was interrupted begins again, and goes on where the other store is. Nobody may append to
either meanwhile.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from careplane.kernel.errors import Conflict
from careplane.ledger.following import POLICIES, audit_of, versions_of
from careplane.ledger.leaf import Kind, kind_of, read
from careplane.ledger.log import COSIGNED, SIGNED
from careplane.ledger.merkle import tiles
from careplane.ledger.stamps import STAMPS
from careplane.storage.ports.ledger import Batch, Entry, LedgerStore, Loss, Place

_AT_ONCE = 1_000
_NOTES = (SIGNED, COSIGNED, POLICIES, STAMPS)


async def copied(source: LedgerStore, target: LedgerStore, tenants: Iterable[int]) -> int:
    """How many leaves the log has. Raises Conflict where the target has another one."""
    size, every = await source.size(), list(tenants)
    if await target.size() > size or await target.entries(0, 1) not in ([], await _first(source)):
        raise Conflict("There is another log at the target already.")
    await _entries(source, target, size)
    for places in _some(_places(size)):
        rows = list((await source.tiles(places)).items())
        await target.append(Batch(size, [], rows))
    marks: dict[str, int] = {}
    for tenant in every:
        await _runs(source, target, tenant, size)
        marks |= {one: await source.mark(one) for one in (versions_of(tenant), audit_of(tenant))}
    marks[POLICIES] = await source.mark(POLICIES)
    notes = {name: data for name in _NOTES if (data := await source.note(name))}
    await target.append(Batch(size, [], [], marks, notes=notes))
    return size


async def _first(source: LedgerStore) -> Sequence[tuple[int, Entry]]:
    return await source.entries(0, 1)


async def _entries(source: LedgerStore, target: LedgerStore, size: int) -> None:
    losses, done = await source.losses(), {one.size for one in await target.losses()}
    while (at := await target.size()) < size:
        rows = [entry for number, entry in _following(await source.entries(at, _AT_ONCE), at)]
        if rows:
            notes = {}
            for name in map(_note_of, rows):
                if name and (data := await source.note(name)):
                    notes[name] = data
            await target.append(Batch(at, rows, [], notes=notes))
            continue
        loss = _next(losses, done)
        await target.append(Batch(loss.size, [], [], loss=loss))
        done.add(loss.size)


def _following(rows: Sequence[tuple[int, Entry]], at: int) -> Iterator[tuple[int, Entry]]:
    """Those that stand one after the other from `at` on."""
    for expected, (number, entry) in enumerate(rows, at):
        if number != expected:
            return
        yield number, entry


def _next(losses: Sequence[Loss], done: set[int]) -> Loss:
    for loss in losses:
        if loss.size not in done:
            return loss
    raise Conflict("Leaves of the log are missing: look through it with careplane ledger verify.")


def _note_of(entry: Entry) -> str:
    if kind_of(entry.leaf) is not Kind.ERASE:
        return ""
    return f"erased/{read(Kind.ERASE, entry.said)['sha256']}"


def _places(size: int) -> Iterator[Place]:
    level = 0
    while wide := size >> tiles.HEIGHT * level:
        yield from ((level, number) for number in range(-(-wide // tiles.WIDTH)))
        level += 1


def _some(places: Iterator[Place]) -> Iterator[list[Place]]:
    some: list[Place] = []
    for one in places:
        some.append(one)
        if len(some) == _AT_ONCE:
            yield some
            some = []
    if some:
        yield some


async def _runs(source: LedgerStore, target: LedgerStore, tenant: int, size: int) -> None:
    after = 0
    while there := await target.runs(tenant, after):
        after = there[-1].t
    while some := await source.runs(tenant, after):
        await target.append(Batch(size, [], [], runs=some))
        after = some[-1].t
