"""The records and the audit trail against the log: every version opens its leaf, every leaf has its
version, nothing was slipped in, taken out, changed or back-dated.

Goes through both in order, some thousand at a time, so that memory stays small; erasures, which are
few, are held. It reads alone. What the tree itself says is looked at by `scrub`.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from careplane.kernel.errors import CareplaneError, Fault, NotFound
from careplane.ledger.erasing import erased_note, unpack
from careplane.ledger.following import Sources, audit_of, versions_of
from careplane.ledger.leaf import KEPT, Kind, Opening, kind_of, leaf_key, read
from careplane.ledger.tree import place_now
from careplane.ledger.versions import opening, sum_of
from careplane.storage.ports.ledger import Entry, LedgerStore, Loss, Run
from careplane.storage.ports.records import RecordStore, Tenant, Version

_AT_ONCE = 1_000
_ENTRIES = 5_000
_AUDITED = 10_000
_MOST = 100
_OF_VERSIONS = frozenset({Kind.VERSION, Kind.DELETION, Kind.CONSENT})


@dataclass(slots=True)
class Findings:
    """What there is, and what is not as it should be, in words. `waiting` versions have no leaf
    yet; `erased` leaves are of versions that were removed as the log says."""

    versions: int = 0
    waiting: int = 0
    erased: int = 0
    audited: int = 0
    problems: list[str] = field(default_factory=list)

    def wrong(self, text: str) -> None:
        """Keep one more problem; after many only that there are more."""
        if len(self.problems) < _MOST:
            self.problems.append(text)
        elif len(self.problems) == _MOST:
            self.problems.append("... and perhaps more")


@dataclass(frozen=True, slots=True)
class _Batch:
    """Audit records that a leaf is of."""

    number: int
    tenant: int
    last: int
    sha256: str


@dataclass(slots=True)
class _Log:
    """What a walk through the leaves has found."""

    of_versions: int = 0
    erased: set[int] = field(default_factory=set)
    batches: list[_Batch] = field(default_factory=list)


async def compare(store: LedgerStore, sources: Sources) -> Findings:
    """Look through all of it."""
    found, tenants = Findings(), list(sources.tenants())
    marks = {one: await store.mark(one) for t in tenants for one in (versions_of(t), audit_of(t))}
    size = await store.size()  # what is up to the marks is among these leaves
    log = await _leaves(store, size, sources.secret, found)
    losses = await store.losses()
    met = 0
    for tenant in tenants:
        looking = _Looking(tenant, sources.secret, log.erased, found)
        reach = _Reach(size, marks[versions_of(tenant)], losses)
        met += await _versions(store, sources.records, looking, reach)
        after = await _audit(sources, tenant, log.batches, found)
        if after < marks[audit_of(tenant)]:
            found.wrong(f"Audit records after {after} of tenant {tenant} should have a leaf.")
    if met != log.of_versions:
        found.wrong(f"{log.of_versions:,} leaves are of versions, and {met:,} of them are known.")
    return found


async def _leaves(store: LedgerStore, size: int, secret: bytes, found: Findings) -> _Log:
    log, start = _Log(), 0
    while some := [one for one in await store.entries(start, _ENTRIES) if one[0] < size]:
        kept = await asyncio.to_thread(_sorted_out, some, log, found)
        for number, entry, kind in kept:
            await _kept(store, secret, number, entry, kind, log, found)
        start = some[-1][0] + 1
    return log


def _sorted_out(
    some: Sequence[tuple[int, Entry]], log: _Log, found: Findings
) -> list[tuple[int, Entry, Kind]]:
    kept = []
    for number, entry in some:
        try:
            kind = kind_of(entry.leaf)
        except CareplaneError:
            found.wrong(f"Leaf {number} is of no known form.")
            continue
        if kind in _OF_VERSIONS:
            log.of_versions += 1
        elif kind in KEPT:
            kept.append((number, entry, kind))
    return kept


async def _kept(
    store: LedgerStore,
    secret: bytes,
    number: int,
    entry: Entry,
    kind: Kind,
    log: _Log,
    found: Findings,
) -> None:
    """A leaf whose statement is kept beside it."""
    try:
        opened = Opening(kind, entry.said, leaf_key(secret, entry.salt)).entry() == entry.leaf
        said = read(kind, entry.said)
    except CareplaneError:
        opened, said = False, {}
    if not opened:
        found.wrong(f"What is kept beside leaf {number} is not what it says.")
    elif kind is Kind.AUDIT:
        log.batches.append(_Batch(number, int(said["tenant"]), int(said["last"]), said["sha256"]))
    elif kind is Kind.ERASE:
        places = unpack(await store.note(f"erased/{said['sha256']}"))
        if erased_note(places)[1] != said["sha256"]:
            found.wrong(f"Which leaves were erased, as leaf {number} says, is not kept any more.")
        log.erased |= set(places)


@dataclass(frozen=True, slots=True)
class _Reach:
    """How far is looked: what others append meanwhile is left to the next time."""

    size: int
    mark: int
    losses: Sequence[Loss]

    def place(self, number: int) -> int | None:
        """Where a leaf stands; None where it was lost."""
        try:
            return place_now(number, self.losses)
        except NotFound:
            return None


async def _versions(
    store: LedgerStore, records: RecordStore, looking: _Looking, reach: _Reach
) -> int:
    """How many leaves are known to be of versions of this tenant."""
    stream, met = _Stream(records, looking.tenant), 0
    looking.broken = stream.broken
    async for run in _runs(store, looking.tenant, reach.mark):
        for first in range(0, run.count, _AT_ONCE):
            count = min(_AT_ONCE, run.count - first)
            places = [reach.place(run.number + first + n) for n in range(count)]
            entries = await _entries(store, [place for place in places if place is not None])
            async for slipped in stream.below(run.t + first):
                looking.slipped(slipped)
            versions = [one async for part in stream.below(run.t + first + count) for one in part]
            by = {one.t: one for one in versions}
            asked = [(run.t + first + n, place) for n, place in enumerate(places)]
            met += await asyncio.to_thread(looking.look, asked, by, entries)
    async for slipped in stream.below(reach.mark + 1):
        looking.slipped(slipped)
    async for rest in stream.below(None):
        looking.found.waiting += len(rest)
        for version in rest:
            looking.in_time(version)
    for said in stream.broken.values():
        looking.found.wrong(f"A version was changed in the store, and cannot be read. {said}.")
    return met


class _Looking:
    """Versions of one tenant, one after the other."""

    def __init__(self, tenant: Tenant, secret: bytes, erased: set[int], found: Findings) -> None:
        self.tenant, self.found = tenant, found
        self._secret, self._erased = secret, erased
        self._before = 0
        self.broken: Mapping[int, str] = {}

    def look(
        self,
        asked: Sequence[tuple[int, int | None]],
        versions: Mapping[int, Version],
        entries: Mapping[int, Entry],
    ) -> int:
        """How many of the leaves there are."""
        met = 0
        for t, place in asked:
            entry = None if place is None else entries.get(place)
            version = versions.get(t)
            met += entry is not None
            if t in self.broken:
                continue
            if version is not None:
                self.found.versions += 1
            if wrong := self._wrong(t, place, version, entry):
                self.found.wrong(wrong)
            if version is not None:
                self.in_time(version)
        return met

    def in_time(self, version: Version) -> None:
        """The store's time never goes back."""
        if version.last_updated < self._before:
            self.found.wrong(f"{_name(version)} is back-dated: those before it are newer.")
        self._before = max(self._before, version.last_updated)

    def slipped(self, versions: Sequence[Version]) -> None:
        """These have no leaf, and others after them have."""
        for one in versions:
            self.found.versions += 1
            self.found.wrong(f"{_name(one)} has no leaf: it was slipped in.")

    def _wrong(
        self, t: int, place: int | None, version: Version | None, entry: Entry | None
    ) -> str:
        name = _name(version) if version else f"Version {t} of tenant {self.tenant}"
        if entry is None:
            return f"The leaf of {name[:1].lower()}{name[1:]} is missing."
        if entry.salt:
            if version is None:
                return f"{name} is gone, and leaf {place} has it: it was taken out."
            if not opening(self.tenant, version, entry, self._secret):
                return f"{name} is not what leaf {place} has: it was changed."
            return ""
        if place not in self._erased:
            return f"The salt of leaf {place} is gone, and no erase leaf says so."
        if version is not None:
            return f"{name} is still there, and its leaf was erased: erase it again."
        self.found.erased += 1
        return ""


async def _audit(
    sources: Sources, tenant: Tenant, batches: Sequence[_Batch], found: Findings
) -> int:
    """The records behind each leaf's predecessor, up to its last: no more, no fewer, no others.
    Up to where there are leaves."""
    after = 0
    for batch in batches:
        if batch.tenant != tenant:
            continue
        records = [
            r for r in await sources.audit.tail(tenant, after, _AUDITED) if r[0] <= batch.last
        ]
        if await asyncio.to_thread(sum_of, records) != batch.sha256:
            found.wrong(
                f"Audit records {after + 1} to {batch.last} of tenant {tenant} are not what leaf "
                f"{batch.number} has."
            )
        found.audited += len(records)
        after = batch.last
    return after


class _Stream:
    """Versions of a tenant in the order of `t`, each once."""

    def __init__(self, records: RecordStore, tenant: Tenant) -> None:
        self._records, self._tenant = records, tenant
        self._page: list[Version] = []
        self._after = 0
        self._ended = False
        self.broken: dict[int, str] = {}
        """Versions that the store cannot read, by `t`, and what it says of them."""

    async def below(self, t: int | None) -> AsyncIterator[Sequence[Version]]:
        """Those before `t`, or all that are left, in pieces."""
        while True:
            if not self._page and not self._ended:
                self._page = await self._next()
                self._ended = not self._page
                self._after = self._page[-1].t if self._page else self._after
            some = [one for one in self._page if t is None or one.t < t]
            self._page = self._page[len(some) :]
            if some:
                yield some
            if self._page or self._ended:
                return

    async def _next(self) -> list[Version]:
        """The versions behind the last one; those that cannot be read are passed over."""
        try:
            return await self._records.changes(self._tenant, self._after, _AT_ONCE)
        except Fault as error:
            said, last = error.text, (await self._records.horizon(self._tenant))[0]
        passed = ""
        while self._after < last:
            try:
                found = await self._records.changes(self._tenant, self._after, 1)
            except Fault as error:
                if passed and passed != error.text:
                    self.broken[self._after] = passed
                passed, self._after = error.text, self._after + 1
                continue
            if passed:
                self.broken[self._after] = passed
            return found
        self.broken[last] = passed or said
        return []


async def _runs(store: LedgerStore, tenant: int, mark: int) -> AsyncIterator[Run]:
    after = 0
    while some := await store.runs(tenant, after):
        for run in some:
            if run.t > mark:
                return
            yield run
        after = some[-1].t


async def _entries(store: LedgerStore, places: Sequence[int]) -> dict[int, Entry]:
    found: dict[int, Entry] = {}
    for start, count in _rows(places):
        found |= {n: entry for n, entry in await store.entries(start, count) if n < start + count}
    return found


def _rows(places: Sequence[int]) -> Iterator[tuple[int, int]]:
    """Numbers that follow each other, as the first one and how many."""
    start = 0
    for at in range(1, len(places) + 1):
        if at == len(places) or places[at] != places[at - 1] + 1:
            yield places[start], at - start
            start = at


def _name(version: Version) -> str:
    return f"{version.type}/{version.id} version {version.version}"
