"""Delivery: one queue for each subscription, told in order, again after each failure.

At least once: an event counts as told after the receiver accepted it and that is noted; a crash in
between tells it again, under the same number. Nobody waits for a receiver: each queue is a task of
its own, healthy ones and failing ones share separate numbers of places, and a write knows of none.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress

from msgspec.structs import replace

from careplane.interop.subscriptions.backoff import delay
from careplane.interop.subscriptions.channel import Channel, Notification, Undelivered
from careplane.interop.subscriptions.journal import KEPT, DeadLetter, Event, Journal
from careplane.interop.subscriptions.line import Line
from careplane.interop.subscriptions.notification import Told, Type, bundle_of, status_of
from careplane.interop.subscriptions.subscription import Status
from careplane.kernel.clock import Clock
from careplane.kernel.errors import CareplaneError
from careplane.kernel.observe import describe
from careplane.records import commands as c
from careplane.records.door import Door

SetStatus = Callable[[Line, Status, str], Awaitable[None]]
_HEALTHY, _FAILING = 64, 16
_ERROR_AFTER = 3
"""Failures in a row before the status says `error`."""
_LARGE = 5_000_000
"""Bytes of resources after which a notification takes no further one."""
_STATE_AGAIN = 2.0
_log = logging.getLogger(__name__)


class Courier:
    """Tells subscribers. `attempts` failures in a row and the subscription is off."""

    def __init__(
        self,
        door: Door,
        journal: Journal,
        channels: Mapping[str, Channel],
        set_status: SetStatus,
        base: str,
        clock: Clock,
        attempts: int,
    ) -> None:
        self._door = door
        self._journal = journal
        self._channels = channels
        self._set_status = set_status
        self._base = base
        self._clock = clock
        self._attempts = attempts
        self._healthy = asyncio.Semaphore(_HEALTHY)
        self._failing = asyncio.Semaphore(_FAILING)
        self._tasks: set[asyncio.Task[None]] = set()

    def wake(self, line: Line) -> None:
        """There is something to tell."""
        if line.waiting and line.standing.shaken and (line.task is None or line.task.done()):
            line.task = asyncio.create_task(self._work(line))
            self._tasks.add(line.task)
            line.task.add_done_callback(self._tasks.discard)

    def halt(self, line: Line) -> None:
        """Tell nothing more."""
        if line.task is not None:
            line.task.cancel()
            line.task = None

    async def stop(self) -> None:
        """Tell nobody any more; nothing is under way when this returns."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def handshake(self, line: Line) -> None:
        """Ask the endpoint whether it wants to be told. Raises Undelivered."""
        await self._send(line, "handshake", "requested")

    async def heartbeat(self, line: Line) -> None:
        """Say that the subscription is alive; a failure counts as one of an event does."""
        try:
            await self._send(line, "heartbeat", "active")
        except Undelivered as error:
            await self._failed(line, str(error))
        else:
            if line.standing.fails:
                await self._told_up_to(line, line.standing.delivered, line.standing.t)

    async def _work(self, line: Line) -> None:
        while line.waiting and line.standing.shaken:
            try:
                await self._next(line)
            except CareplaneError as error:
                # The store is busy or broken: the events are safe, and are told later.
                _log.error("Events could not be read or noted: %s", describe(error))
                await asyncio.sleep(_STATE_AGAIN)

    async def _next(self, line: Line) -> None:
        wait = (line.standing.again - self._clock()) / 1_000_000
        if line.standing.fails and wait > 0:
            await asyncio.sleep(wait)
        events = await self._journal.events(
            line.id, line.standing.delivered, line.subscription.count
        )
        if not events:
            # What was kept no longer reaches back that far: go on with what there is.
            line.standing = replace(line.standing, delivered=line.number, t=line.t)
            return
        told = await self.told(line, events)
        try:
            await self._send(line, "event-notification", "active", told)
        except Undelivered as error:
            await self._failed(line, str(error))
        else:
            await self._told_up_to(line, told[-1][0].number, told[-1][0].t)
            await self._prune(line)

    async def told(self, line: Line, events: Sequence[Event]) -> list[Told]:
        """The events, with what their owner may read of them: asked now, and noted in the audit
        trail. Fewer of them where they are large."""
        if line.subscription.content == "empty":
            return [(event, None) for event in events]
        command = c.Disclose(
            f"Subscription/{line.id}", tuple((e.type, e.id, e.version) for e in events)
        )
        versions = await self._door.disclose(line.owner, command)
        told: list[Told] = []
        size = 0
        for event, version in zip(events, versions, strict=True):
            size += len(version.rest) if version else 0
            if told and size > _LARGE:
                break
            told.append((event, version))
        return told

    async def _send(
        self, line: Line, type: Type, status: Status, told: Sequence[Told] = ()
    ) -> None:
        subscription = line.subscription
        # A batch says how many there were up to its last event, so that a gap shows.
        count = told[-1][0].number if told else line.number
        written = status_of(self._base, subscription, type, status, count, told)
        raw = bundle_of(self._base, subscription, written, told, self._clock())
        numbers = (told[0][0].number, told[-1][0].number) if told else (0, 0)
        async with self._failing if line.standing.fails else self._healthy:
            await self._channels[subscription.kind].send(
                subscription, Notification(type, raw, numbers)
            )
        line.spoke = self._clock()

    async def _told_up_to(self, line: Line, number: int, t: int) -> None:
        recovered = line.standing.fails >= _ERROR_AFTER
        line.standing = replace(line.standing, delivered=number, t=t, fails=0, again=0, error="")
        await self._journal.stand(line.id, line.standing)
        if recovered:
            await self._say(line, "active", "")

    async def _prune(self, line: Line) -> None:
        number = line.standing.delivered
        if number > KEPT and number % 100 < line.subscription.count:
            await self._journal.prune(line.id, number - KEPT)

    async def _failed(self, line: Line, error: str) -> None:
        fails = line.standing.fails + 1
        if fails >= self._attempts:
            await self._give_up(line, error)
            return
        wait = delay(fails, random.random())  # noqa: S311  (no secret)  # nosec B311
        again = self._clock() + int(wait * 1_000_000)
        line.standing = replace(line.standing, fails=fails, again=again, error=error)
        await self._journal.stand(line.id, line.standing)
        if fails == _ERROR_AFTER:
            await self._say(line, "error", error)

    async def _give_up(self, line: Line, error: str) -> None:
        standing = line.standing
        lost = line.number - standing.delivered
        if lost:
            letter = DeadLetter(standing.delivered + 1, line.number, self._clock(), error)
            await self._journal.bury(line.id, letter)
        line.standing = replace(
            standing,
            shaken=False,
            delivered=line.number,
            t=line.t,
            fails=0,
            again=0,
            error=error,
            dead=standing.dead + lost,
        )
        await self._journal.stand(line.id, line.standing)
        await self._say(line, "off", f"Given up after {self._attempts} attempts. {error}")

    async def _say(self, line: Line, status: Status, error: str) -> None:
        # Another may have changed it meanwhile: then theirs is what counts.
        with suppress(CareplaneError):
            await self._set_status(line, status, error)
