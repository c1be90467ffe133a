"""The service: follows what is committed, keeps the lines of all subscriptions, and hands events to
the courier.

It reads changes in the order of commit, so a subscription begins and ends at a definite place among
them. What it has matched it notes durably; begun again after a crash, here or in another process,
it goes on where that note stands, and knows what it has matched twice by sequence numbers.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import structlog
from msgspec.structs import replace

from careplane.access.caller import Caller
from careplane.fhir.codec import json
from careplane.fhir.tree import Tree
from careplane.interop.subscriptions import names
from careplane.interop.subscriptions.channel import Channel, Undelivered
from careplane.interop.subscriptions.courier import Courier
from careplane.interop.subscriptions.elements import single
from careplane.interop.subscriptions.filters import nodes_of
from careplane.interop.subscriptions.journal import KEPT, Event, Journal, Standing
from careplane.interop.subscriptions.line import Line
from careplane.interop.subscriptions.matcher import Matcher
from careplane.interop.subscriptions.matching import rules_of
from careplane.interop.subscriptions.owner import Seal, opened
from careplane.interop.subscriptions.subscription import Status, read
from careplane.interop.subscriptions.topics import Topics
from careplane.kernel.clock import Clock
from careplane.kernel.errors import CareplaneError, Invalid, Precondition
from careplane.records import commands as c
from careplane.records.bodies import Extract, rows_of, whole
from careplane.records.door import Door
from careplane.records.results import Version
from careplane.search.criterion import Setting
from careplane.search.rows import Rows
from careplane.storage.ports.records import Tenant

_PAGE = 500
_BREATH = 50
_IDLE = 1.0
"""Seconds until it looks for what other processes have written."""
_FEW, _FEW_SECONDS, _MANY_SECONDS = 10, 0.01, 0.1
_BEHIND = 1000
"""How far behind the last change a new installation begins, for what is still under way."""
_NOTED = 1.0
_SOCKET_NOTED = 100
_log = structlog.get_logger("careplane.subscriptions")


@dataclass(frozen=True, slots=True)
class Tools:
    """What the service works with."""

    door: Door
    journal: Journal
    topics: Topics
    seals: Seal
    caller: Caller
    tenant: Tenant
    setting: Setting
    extract: Extract
    clock: Clock
    channels: dict[str, Channel]
    base: str
    attempts: int
    ring: Callable[[str], None]
    """Tells sockets of this process that a subscription has news."""
    rows: dict[int, Rows]
    """Rows of versions that this process has just written, by sequence number, until they are
    matched."""


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
        self._courier = Courier(
            door,
            tools.journal,
            tools.channels,
            self._set_status,
            tools.base,
            tools.clock,
            tools.attempts,
        )
        self._lines: dict[str, Line] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._cursor = 0
        self._noted = 0
        self._fresh: dict[str, list[Event]] = {}

    async def run(self) -> None:
        """Until it is cancelled."""
        self._spawn(self._tick())
        try:
            await self._load()
            while True:
                matched = await self._step()
                if not matched:
                    await self._pause()
                # Where much is written, changes come together into one reading.
                await asyncio.sleep(_MANY_SECONDS if matched > _FEW else _FEW_SECONDS)
        finally:
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, self._courier.stop(), return_exceptions=True)

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
                await self._meet(version, standings.get(version.id))
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
            line.number += 1
            line.t = version.t
            self._fresh.setdefault(line.id, []).append(
                Event(
                    line.number,
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
            await self._meet(version)
        elif version.type == "Basic":
            self._tools.topics.met((version,))

    async def _flush(self) -> bool:
        """Note events durably, then have them told."""
        fresh, self._fresh = self._fresh, {}
        await asyncio.gather(*(self._tools.journal.append(id, e) for id, e in fresh.items()))
        for id in fresh:
            if id in self._lines:
                await self._tell(self._lines[id])
        return bool(fresh)

    async def _tell(self, line: Line) -> None:
        if line.subscription.kind != "websocket":
            self._courier.wake(line)
            return
        # Sockets read the journal themselves; what was missed is asked for with $events.
        self._tools.ring(line.id)
        if line.number - line.standing.delivered >= _SOCKET_NOTED:
            line.standing = replace(line.standing, delivered=line.number, t=line.t)
            await self._tools.journal.stand(line.id, line.standing)
            await self._tools.journal.prune(line.id, line.number - KEPT)

    async def _meet(self, version: Version, standing: Standing | None = None) -> None:
        """A Subscription as it is from here on."""
        known = self._lines.get(version.id)
        if known and known.version >= version.version:
            return
        if version.deleted:
            self._drop(version.id)
            await self._tools.journal.forget(version.id)
            return
        standing = standing or (known.standing if known else None)
        if standing is None:
            standing = await self._tools.journal.standing(version.id)
        line = self._line(version, standing)
        if line is None:
            self._drop(version.id)
        elif known and _is_our_change(known, line):
            known.subscription, known.version = line.subscription, line.version
        else:
            await self._place(line, version, known)

    def _line(self, version: Version, standing: Standing) -> Line | None:
        """None for what nothing can be told of: a Subscription from before topics, or one whose
        owner this server has not sealed, as after a restore under another key."""
        tree = json.parse(whole(version))
        owner = opened(self._tools.seals, str(single(tree, names.OWNER) or ""))
        try:
            subscription = read(tree, version.id)
        except CareplaneError:
            subscription = None
        if owner is None or subscription is None:
            _log.warning("A subscription cannot be served; send it again")
            return None
        return Line(subscription, owner, version.version, standing)

    async def _place(self, line: Line, version: Version, known: Line | None) -> None:
        if known is not None:
            line.number, line.t, line.spoke = known.number, known.t, known.spoke
        else:
            line.number, line.t = await self._tools.journal.last(line.id, line.standing)
        self._drop(line.id)
        self._lines[line.id] = line
        status = line.subscription.status
        if status == "requested":
            line.standing = replace(line.standing, shaken=False)
            await self._tools.journal.stand(line.id, line.standing)
            self._spawn(self._begin(line))
        elif status == "active" or (status == "error" and line.standing.shaken):
            await self._activate(line, version)

    async def _activate(self, line: Line, version: Version) -> None:
        if not line.standing.shaken:
            line.standing = replace(
                line.standing, shaken=True, started=version.t, fails=0, again=0, error=""
            )
            await self._tools.journal.stand(line.id, line.standing)
        try:
            self._understand(line)
        except CareplaneError as error:
            self._spawn(self._refuse(line, error.text))
            return
        self._matcher.enter(line)
        await self._tell(line)

    def _understand(self, line: Line) -> None:
        topic = self._tools.topics.find(line.subscription.topic)
        if topic is None:
            raise Invalid("There is no such topic here.")
        line.rules = rules_of(self._tools.setting, topic)
        line.nodes = nodes_of(self._tools.setting, topic, line.subscription.filters)

    async def _begin(self, line: Line) -> None:
        """The handshake; any error of it ends in the status `error` (backport 1.1, REST-Hook)."""
        try:
            self._understand(line)
            if line.subscription.kind != "websocket":
                await self._courier.handshake(line)
        except (CareplaneError, Undelivered) as error:
            await self._refuse(line, str(error))
            return
        with suppress(CareplaneError):
            await self._set_status(line, "active", "")

    async def _refuse(self, line: Line, text: str) -> None:
        line.standing = replace(line.standing, shaken=False, error=text)
        with suppress(CareplaneError):
            await self._tools.journal.stand(line.id, line.standing)
            await self._set_status(line, "error", text)

    async def _set_status(self, line: Line, status: Status, error: str) -> None:
        """Write a status, unless a client has written the resource since."""

        def change(tree: Tree) -> Tree:
            if single(tree, names.OWNER) != line.subscription.owner or tree["status"] == "off":
                raise Precondition("The subscription has been changed meanwhile.")
            others = {key: value for key, value in tree.items() if key != "error"}
            return others | {"status": status} | ({"error": error} if error else {})

        patch = c.Patch("Subscription", change, id=line.id)
        await self._tools.door.patch(self._tools.caller, patch)

    async def _tick(self) -> None:
        """Heartbeats that are due, and subscriptions whose time is over."""
        while True:
            await asyncio.sleep(_IDLE)
            now = self._tools.clock()
            for line in list(self._lines.values()):
                subscription = line.subscription
                if subscription.status not in ("active", "error"):
                    continue
                if subscription.end is not None and subscription.end <= now:
                    self._spawn(self._over(line))
                elif self._is_due(line, now):
                    line.spoke = now
                    self._spawn(self._courier.heartbeat(line))

    @staticmethod
    def _is_due(line: Line, now: int) -> bool:
        every = line.subscription.heartbeat * 1_000_000
        if not every or line.subscription.kind == "websocket" or line.waiting:
            return False
        if not line.standing.shaken:
            return False
        line.spoke = line.spoke or now
        return now - line.spoke >= every and now >= line.standing.again

    async def _over(self, line: Line) -> None:
        with suppress(CareplaneError):
            await self._set_status(line, "off", "")

    def _drop(self, id: str) -> None:
        self._matcher.leave(id)
        line = self._lines.pop(id, None)
        if line is not None:
            self._courier.halt(line)

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _pause(self) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(_IDLE):
                await self._woken.wait()
        self._woken.clear()


def _is_our_change(known: Line, line: Line) -> bool:
    """Whether the server itself has changed the status of a subscription at work: its queue goes
    on as it is."""
    return (
        known.subscription.owner == line.subscription.owner
        and known.standing.shaken
        and line.subscription.status in ("active", "error")
    )
