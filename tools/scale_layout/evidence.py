"""Requests over tables that are cut into parts: what each request sends, and what that touches."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import asyncpg

from careplane.app.build import TENANT
from careplane.storage.ports.records import Put, Tenant, Unit
from tools.scale_layout.asks import Ask, Known, ask, house, reads, writes
from tools.scale_layout.layouts import BY_TENANT, cut
from tools.scale_layout.traces import Played, Sent, generic, played, recorded

_GROUP = 250


@dataclass(frozen=True, slots=True)
class Shown:
    """A request, the statements that it sends, and how they played."""

    name: str
    sent: list[Sent]
    played: list[Played]

    @property
    def parts(self) -> set[int]:
        """Numbers of the parts that were touched, of whatever table. Tables that are cut by the
        same column alike have what belongs together in the part of the same number."""
        return {number for one in self.played for some in one.parts.values() for number in some}

    @property
    def looked_into(self) -> int:
        """Of how many parts of the resources' table a row or an index was looked at."""
        return len({number for one in self.played for number in one.looked_into("resource")})


async def show(url: str, folder: Path, asks: Iterable[Ask]) -> list[Shown]:
    """Every request; reads once before, so that what a process learns once is known."""
    found = []
    with recorded() as sent:
        async with house(folder, url) as (_, http):
            for one in asks:
                if one.method == "GET":
                    await ask(http, one)
                before = await _last(url)
                sent.clear()
                await ask(http, one)
                mine = list(sent)
                found.append(Shown(one.name, mine, await _again(url, mine, before)))
    return found


async def _last(url: str) -> int:
    connection = await asyncpg.connect(url)
    try:
        return await connection.fetchval("SELECT t FROM sequence WHERE tenant = $1", TENANT) or 0
    finally:
        await connection.close()


async def _again(url: str, sent: Sequence[Sent], before: int) -> list[Played]:
    """As `played`, with the versions that were written since put away, since they are written
    again."""
    connection = await asyncpg.connect(url)
    try:
        await connection.execute("CREATE TABLE put_away (LIKE version)")
        moved = "DELETE FROM version WHERE tenant = $1 AND t > $2 RETURNING *"
        await connection.execute(
            f"WITH moved AS ({moved}) INSERT INTO put_away SELECT * FROM moved", TENANT, before
        )
        found = await played(url, sent)
        await connection.execute("INSERT INTO version SELECT * FROM put_away")
        await connection.execute("DROP TABLE put_away")
        return found
    finally:
        await connection.close()


async def planned_once(url: str, shown: Sequence[Shown], name: str, mark: str) -> list[str]:
    """The plan for whatever values of a request's statement that has the mark."""
    (one,) = [one for one in shown if one.name == name]
    return await generic(url, next(sent for sent in one.sent if mark in sent.text))


async def fill(url: str, folder: Path, puts: Sequence[Put], tenants: Iterable[int]) -> None:
    """The same resources for each tenant, through the engine; statistics brought up to date."""
    async with house(folder, url) as (here, _):
        for tenant in tenants:
            for at in range(0, len(puts), _GROUP):
                await here.store.commit(Tenant(tenant), Unit(tuple(puts[at : at + _GROUP])))
    connection = await asyncpg.connect(url)
    await connection.execute("ANALYZE")
    await connection.close()


async def cut_up(url: str, folder: Path, columns: Mapping[str, str] = BY_TENANT) -> list[str]:
    """Make the schema, empty, and cut it; see `layouts.cut`."""
    async with house(folder, url) as (here, http):
        await here.store.counts(TENANT)
        await http.get("metadata")
        await here.state.get(TENANT, "scale", "")
    connection = await asyncpg.connect(url)
    try:
        return await cut(connection, columns)
    finally:
        await connection.close()


def all_of(known: Known) -> list[Ask]:
    """Reads and writes."""
    return [*reads(known), *writes(known)]
