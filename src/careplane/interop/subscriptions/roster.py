"""The subscriptions at work: how each begins, by its handshake, what status it has, how it ends."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine
from contextlib import suppress
from typing import Any

from msgspec.structs import replace

from careplane.fhir.codec import json
from careplane.fhir.tree import Tree
from careplane.interop.subscriptions import names
from careplane.interop.subscriptions.channel import Undelivered
from careplane.interop.subscriptions.courier import Courier
from careplane.interop.subscriptions.elements import single
from careplane.interop.subscriptions.journal import KEPT, Standing
from careplane.interop.subscriptions.line import Line
from careplane.interop.subscriptions.matcher import Matcher
from careplane.interop.subscriptions.owner import opened
from careplane.interop.subscriptions.subscription import Status, read
from careplane.interop.subscriptions.tools import Tools
from careplane.kernel.errors import CareplaneError, Invalid, Precondition
from careplane.records import commands as c
from careplane.records.bodies import whole
from careplane.records.results import Version

_TICK_SECONDS = 1.0
_SOCKET_NOTED = 100
_log = logging.getLogger(__name__)


class Roster:
    """A line for each. `matcher` is told which of them hear of changes."""

    def __init__(self, tools: Tools, matcher: Matcher) -> None:
        self._tools = tools
        self._matcher = matcher
        self._courier = Courier(
            tools.door,
            tools.journal,
            tools.channels,
            self._set_status,
            tools.base,
            tools.clock,
            tools.attempts,
        )
        self._lines: dict[str, Line] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    def start(self) -> None:
        """Look from now on for what is due."""
        self._spawn(self._tick())

    async def stop(self) -> None:
        """End what is under way."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, self._courier.stop(), return_exceptions=True)

    def find(self, id: str) -> Line | None:
        """The line of a subscription at work."""
        return self._lines.get(id)

    async def meet(self, version: Version, standing: Standing | None = None) -> None:
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
        await self.tell(line)

    def _understand(self, line: Line) -> None:
        topic = self._tools.topics.find(line.subscription.topic)
        if topic is None:
            raise Invalid("There is no such topic here.")
        line.rules, line.nodes = self._tools.sight.understood(
            line.owner, topic, line.subscription.filters
        )

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

    async def tell(self, line: Line) -> None:
        if line.subscription.kind != "websocket":
            self._courier.wake(line)
            return
        # Sockets read the journal themselves; what was missed is asked for with $events.
        self._tools.ring(line.id)
        if line.number - line.standing.delivered >= _SOCKET_NOTED:
            line.standing = replace(line.standing, delivered=line.number, t=line.t)
            await self._tools.journal.stand(line.id, line.standing)
            await self._tools.journal.prune(line.id, line.number - KEPT)

    async def _tick(self) -> None:
        """Heartbeats that are due, and subscriptions whose time is over."""
        while True:
            await asyncio.sleep(_TICK_SECONDS)
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


def _is_our_change(known: Line, line: Line) -> bool:
    """Whether the server itself has changed the status of a subscription at work: its queue goes
    on as it is."""
    return (
        known.subscription.owner == line.subscription.owner
        and known.standing.shaken
        and line.subscription.status in ("active", "error")
    )
