"""The service: follows what is committed, has it matched, and hands events to the roster.

It reads changes in the order of commit, so a subscription begins and ends at a definite place among
them. What it has matched it notes durably; begun again after a crash, here or in another process,
it goes on where that note stands, and knows what it has matched twice by sequence numbers.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress

from msgspec.structs import replace

from careplane.interop.subscriptions.journal import Event
from careplane.interop.subscriptions.matcher import Matcher
from careplane.interop.subscriptions.roster import Roster
from careplane.interop.subscriptions.tools import Tools
from careplane.records import commands as c
from careplane.records.bodies import rows_of
from careplane.records.results import Version
from careplane.search.rows import Rows

_PAGE = 500
_BREATH = 50
_IDLE = 1.0
"""Seconds until it looks for what other processes have written."""
_FEW, _FEW_SECONDS, _MANY_SECONDS = 10, 0.01, 0.1
_BEHIND = 1000
"""How far behind the last change a new installation begins, for what is still under way."""
_NOTED = 1.0


class Service:
    """One run; another run is another Service."""

    def __init__(self, tools: Tools, woken: asyncio.Event) -> None:
        self._tools = tools
        self._woken = woken
        door, tenant = tools.door, tools.tenant
        self._matcher = Matcher(
            self._rows_of,
            door.visible,
            lambda version: door.before(tenant, version),
            tools.clock,
        )
        self._roster = Roster(tools, self._matcher)
        self._cursor = 0
        self._noted = 0
        self._fresh: dict[str, list[Event]] = {}

    async def run(self) -> None:
        """Until it is cancelled."""
        self._roster.start()
        try:
            await self._load()
            while True:
                matched = await self._step()
                if not matched:
                    await self._pause()
                # Where much is written, changes come together into one reading.
                await asyncio.sleep(_MANY_SECONDS if matched > _FEW else _FEW_SECONDS)
        finally:
            await self._roster.stop()

    async def _load(self) -> None:
        tools = self._tools
        cursor = await tools.journal.cursor()
        if cursor is None:
            cursor = max(0, await tools.door.newest(tools.tenant) - _BEHIND)
            await tools.journal.follow(cursor)
        self._cursor = cursor
        await tools.topics.load(tools.door, tools.caller)
        standings = await tools.journal.standings()
        command = c.Search("Subscription", (("_count", "500"),))
        while True:
            page = await tools.door.search(tools.caller, command)
            for version in page.matches:
                await self._roster.meet(version, standings.get(version.id))
            if page.next is None:
                return
            command = replace(command, cursor=page.next)

    def _rows_of(self, version: Version) -> Rows:
        made = self._tools.rows.get(version.t)
        return rows_of(self._tools.extract, version) if made is None else made

    async def _step(self) -> int:
        """Match a page of changes; how many there were."""
        tools = self._tools
        versions = await tools.door.changes(tools.tenant, self._cursor, _PAGE)
        if not versions:
            return 0
        for number, version in enumerate(versions, 1):
            await self._consider(version)
            tools.rows.pop(version.t, None)
            if number % _BREATH == 0:
                await asyncio.sleep(0)
        told = await self._flush()
        self._cursor = versions[-1].t
        now = tools.clock()
        if told or now - self._noted > _NOTED * 1_000_000:
            await tools.journal.follow(self._cursor)
            self._noted = now
        return len(versions)

    async def _consider(self, version: Version) -> None:
        for line in await self._matcher.hearing(version):
            fresh = self._fresh.setdefault(line.id, [])
            fresh.append(
                Event(
                    line.number + len(fresh) + 1,
                    version.t,
                    version.last_updated,
                    version.type,
                    version.id,
                    version.version,
                    version.method,
                )
            )
        if version.type == "Subscription":
            await self._flush()
            await self._roster.meet(version)
        elif version.type == "Basic":
            self._tools.topics.met((version,))

    async def _flush(self) -> bool:
        """Note events durably, then have them told. A line hears of them afterwards: while it tells
        others it would look for these, and take what it cannot find for pruned."""
        fresh, self._fresh = self._fresh, {}
        await asyncio.gather(*(self._tools.journal.append(id, e) for id, e in fresh.items()))
        for id, events in fresh.items():
            if line := self._roster.find(id):
                line.number, line.t = events[-1].number, events[-1].t
                await self._roster.tell(line)
        return bool(fresh)

    async def _pause(self) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(_IDLE):
                await self._woken.wait()
        self._woken.clear()
