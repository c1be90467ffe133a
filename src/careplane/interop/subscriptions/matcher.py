"""From a change to the subscriptions that hear of it: handles, topic, filter, and the owner's
rights.

Each step is cheaper than the next and leaves less to do: the dictionary first, then the topic once
for all of its subscriptions, then each filter, then what the owner may read.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from careplane.access.caller import Caller
from careplane.interop.subscriptions.index import Index
from careplane.interop.subscriptions.line import Line
from careplane.interop.subscriptions.matching import Happening, Rule, fires, narrowed
from careplane.interop.subscriptions.topic import Interaction
from careplane.kernel.clock import Clock
from careplane.records.results import Version
from careplane.search.match import Subject
from careplane.search.rows import Rows

Visible = Callable[[Caller, Subject], Awaitable[bool]]
RowsOf = Callable[[Version], Rows]
Before = Callable[[Version], Awaitable[Version | None]]


class Matcher:
    """The subscriptions that are active. `visible` decides what an owner may know of."""

    def __init__(self, rows_of: RowsOf, visible: Visible, before: Before, clock: Clock) -> None:
        self._rows_of = rows_of
        self._visible = visible
        self._before = before
        self._clock = clock
        self._index = Index()
        self._lines: dict[str, Line] = {}

    def enter(self, line: Line) -> None:
        """Tell this subscription from now on."""
        interactions: dict[str, set[Interaction]] = {}
        for rule in line.rules:
            interactions.setdefault(rule.trigger.type, set()).update(rule.trigger.interactions)
        self._lines[line.id] = line
        self._index.put(line.id, interactions, line.nodes)

    def leave(self, id: str) -> None:
        """Tell it no more."""
        self._lines.pop(id, None)
        self._index.drop(id)

    async def hearing(self, version: Version) -> list[Line]:
        """Who hears of a change."""
        if not self._lines or not self._index.watches(version.type):
            return []
        if version.deleted:
            return await self._of_deletion(version)
        now = self._subject(version)
        interactions: tuple[Interaction, ...] = (
            ("create",) if version.version == 1 else ("create", "update")
        )
        found = self._index.candidates(now, interactions)
        if not found:
            return []
        replaced = await self._before(version)
        before = self._subject(replaced) if replaced and not replaced.deleted else None
        return await self._among(found, Happening(version, now, before, replaced))

    async def _of_deletion(self, version: Version) -> list[Line]:
        replaced = await self._before(version)
        if replaced is None or replaced.deleted:
            return []
        before = self._subject(replaced)
        found = self._index.candidates(before, ("delete",))
        return await self._among(found, Happening(version, None, before, replaced))

    async def _among(self, found: dict[str, None], happening: Happening) -> list[Line]:
        now = self._clock()
        fired: dict[tuple[Rule, ...], bool] = {}
        seen: dict[Caller, bool] = {}
        hearing = []
        for id in found:
            line = self._lines[id]
            if happening.version.t <= max(line.standing.started, line.t):
                continue  # before its time, or told already
            fires_now = fired.get(line.rules)
            if fires_now is None:
                fires_now = any(fires(rule, happening, now) for rule in line.rules)
                fired[line.rules] = fires_now
            if fires_now and narrowed(line.nodes[happening.version.type], happening):
                if line.owner not in seen:
                    subject = happening.subject
                    may = subject is not None and await self._visible(line.owner, subject)
                    seen[line.owner] = may
                if seen[line.owner]:
                    hearing.append(line)
        return hearing

    def _subject(self, version: Version) -> Subject:
        return Subject(version.type, version.id, version.last_updated, self._rows_of(version))
