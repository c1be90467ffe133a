"""RecordStore and AuditStore in memory (storage.ports): each promise in the plainest way.

It runs a plan by asking `search.match` of every record, so it is right by construction and slow by
design. One event loop, no thread: a method without `await` inside is one atomic step.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from careplane.kernel.clock import Clock
from careplane.kernel.errors import Outdated, Stale
from careplane.search.match import Subject, matches
from careplane.search.order import ordered
from careplane.search.plan import EVERYTHING, Query
from careplane.storage.engines.memory.cursor import Cursors
from careplane.storage.engines.memory.world import Places, Record, Shelf, changed
from careplane.storage.ports.audit import AuditQuery, Filing, Found, Together
from careplane.storage.ports.records import (
    Erasure,
    HistoryQuery,
    Key,
    Page,
    Put,
    Receipt,
    Reindex,
    Reindexed,
    Slice,
    SnapshotQuery,
    Tenant,
    Unit,
    Version,
)
from careplane.storage.ports.vitals import Vitals

_NEVER = Record(place=0)


class _Place(NamedTuple):
    """Within a search: the answer as it was on the first page, and how much of it was shown."""

    keys: tuple[Key, ...]
    shown: int


class _Moment(NamedTuple):
    """Within a history: the newest `t` of the first page, and the last one shown."""

    first: int
    last: int


class MemoryStore:
    """Everything in dictionaries."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.places = Places()
        self.shelves: defaultdict[Tenant, Shelf] = defaultdict(lambda: Shelf(self.places))
        self.trail: list[tuple[Tenant, bytes]] = []
        self._forgotten: set[int] = set()
        self._places: Cursors[_Place] = Cursors()
        self._moments: Cursors[_Moment] = Cursors()
        self.t = 0
        self.last_updated = 0

    async def read(self, tenant: Tenant, type: str, id: str) -> Version | None:
        record = self.shelves[tenant].records.get((type, id))
        return record.current if record else None

    async def vread(self, tenant: Tenant, type: str, id: str, version: int) -> Version | None:
        record = self.shelves[tenant].records.get((type, id), _NEVER)
        return next((v for v in record.versions if v.version == version), None)

    async def read_many(self, tenant: Tenant, keys: Sequence[Key]) -> list[Version | None]:
        return [await self.read(tenant, *key) for key in keys]

    async def search(self, tenant: Tenant, query: Query) -> Page:
        return self._search(tenant, query)

    async def count(self, tenant: Tenant, query: Query) -> int:
        return sum(1 for _ in self._found(self.shelves[tenant], query))

    async def history(self, tenant: Tenant, query: HistoryQuery) -> Page:
        place = self._moments.find(query.cursor) if query.cursor else _Moment(self.t, self.t + 1)
        shelf = self.shelves[tenant]
        found = [v for v in reversed(shelf.log) if v.t <= place.first and _in(shelf, query, v)]
        rest = [v for v in found if v.t < place.last]
        page = tuple(rest[: max(query.count, 0)])
        more = page and len(page) < len(rest)
        following = self._moments.keep(_Moment(place.first, page[-1].t)) if more else None
        return Page(page, following, len(found) if query.total else None)

    async def commit(self, tenant: Tenant, unit: Unit) -> Receipt:
        shelf = self.shelves[tenant]
        for guard in unit.guards:
            page = self._search(tenant, guard.query)
            if {(v.type, v.id) for v in page.versions} != guard.found:
                raise Stale("A search that this change relied on has a different answer now")
        for put in unit.puts:
            if shelf.records.get((put.type, put.id), _NEVER).version != put.expect:
                raise Stale("Somebody else has changed a record in between")
        _up_to_date(shelf, unit.defined)
        if unit.audit is not None:
            self.trail.append((tenant, unit.audit))
        self.last_updated = max(self.last_updated, self._clock() // 1000 * 1000)
        shelf.hear_of((put.type, put.id) for put in unit.puts)
        return Receipt(tuple([self._write(shelf, put) for put in unit.puts]))

    async def erase(self, tenant: Tenant, erasure: Erasure) -> None:
        shelf = self.shelves[tenant]
        for one in erasure.records:
            if shelf.records.get((one.type, one.id), _NEVER).version != one.expect:
                raise Stale("Somebody else has changed a record in between")
        for old in erasure.versions:
            if shelf.records.get((old.type, old.id), _NEVER).version <= old.version:
                raise Stale("A current version is not removed from a history")
        if erasure.audit is not None:
            self.trail.append((tenant, erasure.audit))
        shelf.erase({(one.type, one.id) for one in erasure.records}, set(erasure.versions))

    async def reindex(
        self, tenant: Tenant, items: Sequence[Reindex], defined: int
    ) -> list[Reindexed]:
        shelf = self.shelves[tenant]
        _up_to_date(shelf, defined)
        return [_reindex(shelf, item) for item in items]

    async def current(
        self, tenant: Tenant, type: str, after: str | None = None, count: int = 1000
    ) -> list[Version]:
        found = [
            record.subject and record.current
            for key, record in sorted(self.shelves[tenant].records.items(), key=lambda r: r[0])
            if key[0] == type and (after is None or key[1] > after)
        ]
        return [version for version in found if version][:count]

    async def newest(self, tenant: Tenant, type: str) -> int:
        return max((v.t for v in self.shelves[tenant].log if v.type == type), default=0)

    async def changes(self, tenant: Tenant, after: int, count: int = 1000) -> list[Version]:
        return [version for version in self.shelves[tenant].log if version.t > after][:count]

    async def horizon(self, tenant: Tenant) -> tuple[int, int]:
        return self.t, self.last_updated

    async def snapshot(self, tenant: Tenant, query: SnapshotQuery) -> Slice:
        shelf = self.shelves[tenant]
        found = [v for v in shelf.log if v.t > query.after and _then(shelf, query, v)]
        page = found[: query.count]
        now = [v for v in page if shelf.records[v.type, v.id].current is v and not v.deleted]
        subjects = [(v, shelf.resource(v.type, v.id)) for v in now]
        kept = [v for v, subject in subjects if subject and matches(query.where, subject, shelf)]
        following = page[-1].t if len(found) > len(page) else None
        return Slice(tuple(kept), tuple(v for v in page if v not in now), following)

    async def counts(self, tenant: Tenant) -> dict[str, int]:
        query = Query(frozenset())
        return dict(Counter(s.type for s in self._found(self.shelves[tenant], query)))

    async def append(self, tenant: Tenant, record: bytes) -> None:
        self.trail.append((tenant, record))

    async def tail(
        self, tenant: Tenant, after: int = 0, count: int = 1000
    ) -> Sequence[tuple[int, bytes]]:
        return [(n, r) for n, r in self._mine(tenant) if n > after][:count]

    async def together(self, tenant: Tenant, after: int, count: int) -> Together | None:
        found = await self.tail(tenant, after, count)
        if not found:
            return None
        return Together(found[0][0], found[-1][0], b"".join(record for _, record in found))

    async def file(self, filing: Filing, count: int = 500) -> int:
        return 0

    async def find(self, tenant: Tenant, query: AuditQuery, filing: Filing) -> Sequence[Found]:
        found = []
        for seq, record in self._mine(tenant):
            recorded, terms = filing(tenant, record)
            if _answers(query, (recorded, seq), terms):
                found.append(Found(seq, recorded, record))
        found.sort(key=lambda one: (one.recorded, one.seq), reverse=query.newest_first)
        return found[: query.count]

    async def forget(self, tenant: Tenant, query: AuditQuery, filing: Filing) -> int:
        found = {one.seq for one in await self.find(tenant, query, filing)} - {len(self.trail)}
        self._forgotten |= found
        return len(found)

    def _mine(self, tenant: Tenant) -> Iterator[tuple[int, bytes]]:
        for seq, (owner, record) in enumerate(self.trail, 1):
            if owner == tenant and seq not in self._forgotten:
                yield seq, record

    async def vitals(self) -> Vitals:
        return Vitals()

    async def room(self) -> None:
        """As long as there is memory."""

    async def close(self) -> None:
        self.shelves.clear()

    def _write(self, shelf: Shelf, put: Put) -> Version:
        self.t += 1
        version = Version(
            type=put.type,
            id=put.id,
            version=put.expect + 1,
            last_updated=self.last_updated,
            method=put.method,
            rest=put.rest,
            t=self.t,
        )
        shelf.write(version, put.rows)
        return version

    def _found(self, shelf: Shelf, query: Query) -> Iterator[Subject]:
        for (type, _), record in shelf.records.items():
            if query.types and type not in query.types:
                continue
            subject = record.subject
            if subject is not None and matches(query.where, subject, shelf):
                yield subject

    def _search(self, tenant: Tenant, query: Query) -> Page:
        shelf = self.shelves[tenant]
        now = {(s.type, s.id): s for s in self._found(shelf, query)}
        if query.cursor:
            place = self._places.find(query.cursor)
        else:
            keys = tuple((s.type, s.id) for s in ordered(now.values(), query.sort))
            place = _Place(keys, 0)
        return self._page(shelf, query, place, now)

    def _page(self, shelf: Shelf, query: Query, place: _Place, now: dict[Key, Subject]) -> Page:
        left = [n for n, key in enumerate(place.keys) if n >= place.shown and key in now]
        here = left[: max(query.count, 0)]
        versions = [shelf.records[place.keys[n]].current for n in here]
        more = here and len(here) < len(left)
        return Page(
            tuple([v for v in versions if v]),
            self._places.keep(place._replace(shown=here[-1] + 1)) if more else None,
            sum(1 for key in place.keys if key in now) if query.total else None,
        )


def _answers(query: AuditQuery, at: tuple[int, int], terms: frozenset[int]) -> bool:
    """Whether a record of this time and number, with these terms, is asked for."""
    if query.since is not None and at[0] < query.since:
        return False
    if query.before is not None and at[0] >= query.before:
        return False
    if query.after is not None and (at >= query.after if query.newest_first else at <= query.after):
        return False
    return all(terms & one for one in query.having) and not terms & query.without


def _up_to_date(shelf: Shelf, defined: int | None) -> None:
    if defined is not None and defined < shelf.defined:
        raise Outdated("Search parameters have been defined anew")


def _reindex(shelf: Shelf, item: Reindex) -> Reindexed:
    record = shelf.records.get((item.type, item.id))
    now = record.current if record else None
    if record is None or now is None or now.deleted or now.version != item.version:
        return "moved"
    rows = changed(record.rows, item.rows, item.gone)
    if rows is None:
        return "same"
    shelf.reindex((item.type, item.id), rows)
    return "changed"


def _in(shelf: Shelf, query: HistoryQuery, version: Version) -> bool:
    """Whether a history tells of this version."""
    if query.types and version.type not in query.types:
        return False
    if query.id is not None and version.id != query.id:
        return False
    if query.since is not None and version.last_updated < query.since:
        return False
    if query.before is not None and version.last_updated >= query.before:
        return False
    if query.restriction == EVERYTHING:
        return True
    subject = shelf.resource(version.type, version.id)
    return subject is not None and matches(query.restriction, subject, shelf)


def _then(shelf: Shelf, query: SnapshotQuery, version: Version) -> bool:
    """Whether a snapshot is about this version: the newest one of its resource by then."""
    if version.type != query.type or version.deleted != query.deletions:
        return False
    if query.since is not None and version.last_updated < query.since:
        return False
    if query.before is not None and version.last_updated >= query.before:
        return False
    by_then = [v for v in shelf.records[version.type, version.id].versions if v.t <= query.at]
    return bool(by_then) and by_then[-1] is version
