"""Searches over AuditEvents: those rendered from the trail, and those that clients have stored, in
one order of time.

The whole plan, with the caller's rights in it, is asked of each rendered event as of any resource,
so rights, modifiers and totals mean what they mean elsewhere; the trail's index only says where to
look. A page looks at a bounded number of events: it may be short, or empty, and have a next one.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from typing import NamedTuple

from msgspec.structs import replace

from careplane.kernel.errors import Incorrect, TooLarge
from careplane.ledger.trail import Entry, Question, Trail
from careplane.records.audits import rendering
from careplane.records.audits.hints import Hints, hints_of
from careplane.records.audits.naming import place_of
from careplane.records.audits.places import Place, place_at
from careplane.records.bodies import Extract, rows_of
from careplane.search.match import NoWorld, Subject, matches
from careplane.search.order import sort_value
from careplane.search.plan import (
    And,
    Chain,
    Has,
    Ids,
    Keys,
    Node,
    Not,
    Nothing,
    Or,
    Query,
    Reference,
    SortBy,
    SortKey,
    all_of,
    any_of,
)
from careplane.search.rows import Param
from careplane.storage.ports.records import Page, RecordStore, Tenant, Version

TYPE = "AuditEvent"
_DATE = Param("AuditEvent.date")
_ALONE = NoWorld()
_AT_ONCE = 100
_LOOKED = 2_000
"""Events that one page looks at."""
_COUNTED = 20_000
"""Events that a total looks at."""
_BREATH = 20


class Rendered(NamedTuple):
    """An event of the trail, and where it stands."""

    version: Version
    subject: Subject
    at: tuple[int, int, int]


class Searching:
    """Over one store and its trail."""

    def __init__(self, store: RecordStore, trail: Trail, extract: Extract) -> None:
        self._store = store
        self._trail = trail
        self._extract = extract

    async def search(self, tenant: Tenant, query: Query) -> Page:
        """A page of both."""
        newest_first = _newest_first(query.sort)
        place = place_at(query.cursor)
        where = await self._grounded(tenant, query.where)
        merged = _Merging(self, tenant, query, where, newest_first, place)
        versions, following = await merged.page()
        total = await self._total(tenant, query, where) if query.total else None
        return Page(tuple(versions), following.text() if following else None, total)

    async def count(self, tenant: Tenant, query: Query) -> int:
        """How many there are of both. Raises TooLarge where that would take too long."""
        where = await self._grounded(tenant, query.where)
        total = await self._total(tenant, query, where)
        if total is None:
            raise TooLarge(
                f"More than {_COUNTED} events would be counted; name a date or an agent."
            )
        return total

    async def read(self, tenant: Tenant, id: str) -> Version | None:
        """One event of the trail by its id."""
        place = place_of(id)
        entry = await self._trail.get(tenant, place[0]) if place else None
        if entry is None or place is None or place[1] not in rendering.parts_of(entry.record):
            return None
        return rendering.version_of(entry, place[1])

    async def shows(self, tenant: Tenant, version: Version, limit: Node) -> bool:
        """Whether an event matches a restriction."""
        where = await self._grounded(tenant, limit)
        return matches(where, self._subject(version), _ALONE)

    async def walk(
        self, tenant: Tenant, where: Node, place: Place, *, newest_first: bool
    ) -> AsyncGenerator[tuple[Rendered, bool]]:
        """Events of the trail behind a place, and whether each matches."""
        hints = hints_of(where)
        looked = 0
        async for entry in self._entries(tenant, where, hints, place, newest_first):
            for part in _parts(entry, hints):
                at = (entry.record.recorded, entry.seq, part)
                if place.seq == entry.seq and part <= place.part:
                    continue
                version = rendering.version_of(entry, part)
                subject = self._subject(version)
                looked += 1
                if looked % _BREATH == 0:
                    await asyncio.sleep(0)
                yield Rendered(version, subject, at), matches(where, subject, _ALONE)

    async def _entries(
        self, tenant: Tenant, where: Node, hints: Hints, place: Place, newest_first: bool
    ) -> AsyncIterator[Entry]:
        ids = _named(where)
        if ids is not None:
            for entry in await self._by_id(tenant, ids):
                behind = (entry.place < place[:2]) == newest_first or entry.seq == place.seq
                if not place.seq or behind:
                    yield entry
            return
        asked = Question(
            tuple(hints.having), hints.without, hints.since, hints.before,
            newest_first=newest_first, count=_AT_ONCE,
        )  # fmt: skip
        if place.seq:
            begun = await self._trail.get(tenant, place.seq)
            if begun is not None:
                yield begun  # its later parts
            asked = replace(asked, after=(place.recorded, place.seq))
        while True:
            found = await self._trail.find(tenant, asked)
            for entry in found:
                yield entry
            if len(found) < _AT_ONCE:
                return
            asked = replace(asked, after=found[-1].place)

    async def _by_id(self, tenant: Tenant, ids: frozenset[str]) -> list[Entry]:
        numbers = {place[0] for place in map(place_of, ids) if place}
        found = [await self._trail.get(tenant, number) for number in sorted(numbers)]
        return [entry for entry in found if entry is not None]

    async def _total(self, tenant: Tenant, query: Query, where: Node) -> int | None:
        total, looked = await self._store.count(tenant, query), 0
        async for _, good in self.walk(tenant, where, Place(), newest_first=True):
            total += good
            looked += 1
            if looked > _COUNTED:
                return None
        return total

    async def stored(self, tenant: Tenant, query: Query) -> Page:
        """Those that clients have stored."""
        return await self._store.search(tenant, query)

    def date(self, version: Version, *, newest_first: bool) -> int:
        """By what a stored event is put in order, in microseconds since 1970."""
        value = sort_value(self._subject(version), SortKey(_DATE, SortBy.DATE, newest_first))
        return int(value) if isinstance(value, int | float) else 0

    def _subject(self, version: Version) -> Subject:
        rows = rows_of(self._extract, version)
        return Subject(version.type, version.id, version.last_updated, rows)

    async def _grounded(self, tenant: Tenant, node: Node) -> Node:
        """Without chains: as the references to what is there and matches. Nothing refers to events
        of the trail."""
        match node:
            case And(inner):
                return all_of(*[await self._grounded(tenant, part) for part in inner])
            case Or(inner):
                return any_of(*[await self._grounded(tenant, part) for part in inner])
            case Not(part):
                return Not(await self._grounded(tenant, part))
            case Chain():
                return await self._linked(tenant, node)
            case Has():
                return Nothing()
            case _:
                return node

    async def _linked(self, tenant: Tenant, node: Chain) -> Node:
        query = Query(node.types, node.where, count=_AT_ONCE + 1)
        found = (await self._store.search(tenant, query)).versions
        if len(found) > _AT_ONCE:
            raise TooLarge(
                f"A chain over the audit trail leads to more than {_AT_ONCE} resources; name them."
            )
        return Reference(node.param, frozenset((v.type, v.id) for v in found))


class _Merging:
    """One page of a search, of two sources."""

    def __init__(
        self,
        searching: Searching,
        tenant: Tenant,
        query: Query,
        where: Node,
        newest_first: bool,
        place: Place,
    ) -> None:
        self._searching = searching
        self._tenant = tenant
        self._query = query
        self._newest_first = newest_first
        self._place = place
        self._stored: list[Version] = []
        self._following: str | None = None
        self._looked = 0
        self._walk = searching.walk(tenant, where, place, newest_first=newest_first)

    async def page(self) -> tuple[list[Version], Place | None]:
        """What is shown, and where it goes on."""
        await self._read()
        shown: list[Version] = []
        event = await self._next()
        while len(shown) < self._query.count:
            if event is None and not self._stored:
                break
            if self._stored and (event is None or self._first(self._stored[0], event)):
                shown.append(self._stored.pop(0))
                self._place = self._place._replace(skip=self._place.skip + 1)
                if not self._stored and self._following:
                    self._place = self._place._replace(stored=self._following, skip=0)
                    await self._read()
                continue
            if event is None:
                break
            shown.append(event.version)
            self._seen(event)
            event = await self._next()
        cut = self._looked > _LOOKED
        more = event is not None or bool(self._stored) or cut
        await self._walk.aclose()
        return shown, self._place if more else None

    def _first(self, version: Version, event: Rendered) -> bool:
        date = self._searching.date(version, newest_first=self._newest_first)
        return date >= event.at[0] if self._newest_first else date <= event.at[0]

    async def _next(self) -> Rendered | None:
        """The next one that matches, of as many as one page looks at."""
        async for event, good in self._walk:
            self._looked += 1
            if good:
                return event
            self._seen(event)
            if self._looked > _LOOKED:
                return None
        return None

    def _seen(self, event: Rendered) -> None:
        recorded, seq, part = event.at
        self._place = self._place._replace(recorded=recorded, seq=seq, part=part)

    async def _read(self) -> None:
        key = SortKey(_DATE, SortBy.DATE, self._newest_first)
        query = replace(self._query, sort=(key,), cursor=self._place.stored or None, total=False)
        page = await self._searching.stored(self._tenant, query)
        self._stored = list(page.versions)[self._place.skip :]
        self._following = page.next


def _parts(entry: Entry, hints: Hints) -> Sequence[int]:
    parts = rendering.parts_of(entry.record)
    agent = entry.record.agent.removeprefix("Patient/")
    sets = [some for some in hints.patients if agent not in some]
    if not sets:
        return parts
    patients = entry.record.patients
    return [n for n in parts if n and all(patients[n - 1] in some for some in sets)]


def _named(node: Node) -> frozenset[str] | None:
    """The ids that a plan is about, where it is about some."""
    for part in node.parts if isinstance(node, And) else (node,):
        if isinstance(part, Ids):
            return part.ids
        if isinstance(part, Keys):
            return frozenset(id for type, id in part.keys if type == TYPE)
    return None


def _newest_first(sort: Sequence[SortKey]) -> bool:
    if not sort:
        return True
    if len(sort) > 1 or (sort[0].param != _DATE and sort[0].by is not SortBy.UPDATED):
        raise Incorrect("AuditEvents are sorted by date or -date, and by nothing else.")
    return sort[0].descending
