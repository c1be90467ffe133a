"""The search parameters that a tenant has defined itself, as this process knows them; and what
analytes weigh by its ConceptMaps (`analytes`).

The definitions are the SearchParameter resources of the record store, and the epoch is the `t` of
the newest version of one. Every unit of work says with which epoch its rows were made, and the
engine refuses one that is behind (`Outdated`); the door then learns the new definitions and makes
the rows anew. So no version is ever stored that lacks rows of a definition older than itself, in
however many processes, however late they hear of it (docs/decisions/0014).

Full-text search is like a parameter that the operator defines, by a setting. It is not ready until
a reindex has gone through what was written without it; whoever writes without it notes that.

What a reindex has brought to its end stands in the StateStore, a Mark for each parameter. Hearing
of it late is safe: a parameter is not ready a little longer, or rows are removed that are not
there.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial

import msgspec

from careplane.fhir import structs
from careplane.kernel.clock import Clock
from careplane.kernel.errors import Invalid, Issue
from careplane.records.analytes import Analytes
from careplane.records.bodies import AcceptMany, Extract, whole
from careplane.records.parts import Parts
from careplane.records.timeline import Timeline
from careplane.search.custom import Custom, customs, extracting, registered
from careplane.search.registry import FULL_TEXT, Registry
from careplane.search.rows import OTHER, Param
from careplane.storage.ports.records import (
    DEFINING,
    HistoryQuery,
    RecordStore,
    Tenant,
    Version,
)
from careplane.storage.ports.state import Entry, StateStore

_SPACE = "search-parameter"
_FRESH_MICROSECONDS = 1_000_000
_PAGE = 500
LACKING = (
    "its index lacks what was written before it was switched on; run `careplane reindex`, or POST "
    "$reindex with everything=true"
)
UNBUILT = "no $reindex has gone through the resources since it was defined; POST one"


class Mark(msgspec.Struct, frozen=True, array_like=True):
    """Of a parameter: built since the definition of this `t`; removed since the end of that `t`."""

    built: int = 0
    swept: int = 0


@dataclass(slots=True)
class Edition:
    """The definitions as of `t`. `active` and `leaving`: a parameter and the `t` from which on it
    was, or was not any more; what is leaving may have rows. `stored` makes every row that a
    resource may have. `waiting`: why a parameter cannot be searched by."""

    t: int
    active: Mapping[Param, tuple[Custom, int]]
    leaving: Mapping[Param, tuple[Custom, int]]
    registry: Registry
    extract: Extract
    stored: Extract
    waiting: dict[Param, str]

    @property
    def customs(self) -> tuple[Custom, ...]:
        return tuple(custom for custom, _ in self.active.values())


Progress = Callable[[Tenant], Awaitable[Mapping[str, tuple[int, str]]]]
"""By type, how far a reindex of it has come, and the epoch it began with (0: it has not begun)."""
Accepting = Callable[[Extract, tuple[Custom, ...]], AcceptMany]
"""How resources of long Bundles are accepted with these parameters, perhaps in another process."""


@dataclass(slots=True)
class _Book:
    """What is known of one tenant, until when it is good, and how often it was said that it is
    not."""

    timeline: Timeline = field(default_factory=Timeline)
    marks: dict[Param, Mark] = field(default_factory=dict)
    good: int = 0
    asked: int = 0
    edition: Edition | None = None
    parts: Parts | None = None
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)


class Definitions:
    """The definitions of every tenant. `registry` and `extract` are R4's."""

    def __init__(
        self,
        store: RecordStore,
        state: StateStore,
        clock: Clock,
        registry: Registry,
        extract: Extract,
        accepting: Accepting,
        progress: Progress,
    ) -> None:
        self._store = store
        self._state = state
        self._clock = clock
        self._registry = registry
        self._extract = extract
        self._accepting = accepting
        self._progress = progress
        self._analytes = Analytes(store)
        self._books: dict[Tenant, _Book] = {}
        self._wordless: set[Tenant] = set()

    def at_hand(self, tenant: Tenant, now: int) -> Parts | None:
        """As `renewed`, where nothing has to be looked up now; else None."""
        book = self._books.get(tenant)
        return book.parts if book is not None and now < book.good else None

    async def renewed(self, parts: Parts, tenant: Tenant) -> Parts:
        """The parts of the door with the definitions of a tenant, a second old at most unless
        another process has changed them; those of this one are known at once."""
        book = await self._fresh(tenant)
        edition = book.edition
        base = parts.base if parts.base_of is None else parts.base_of(tenant)
        if edition is not None and (book.parts is None or book.parts.base != base):
            book.parts = self._parts(tenant, replace(parts, base=base), edition)
        return book.parts or parts

    async def edition(self, tenant: Tenant) -> Edition:
        """The definitions as they stand now."""
        self.forget(tenant)
        return await self.latest(tenant)

    async def latest(self, tenant: Tenant) -> Edition:
        """The definitions as this process last saw them."""
        book = await self._fresh(tenant)
        assert book.edition is not None
        return book.edition

    def defined_by(self, tenant: Tenant, id: str) -> tuple[Custom, ...]:
        """What a SearchParameter defines, as this process last saw it."""
        return self._books[tenant].timeline.held.get(id, ()) if tenant in self._books else ()

    async def registry(self, tenant: Tenant) -> Registry:
        """What can be searched by, or will be."""
        book = await self._fresh(tenant)
        return book.edition.registry if book.edition else self._registry

    def forget(self, tenant: Tenant) -> None:
        """Look again before the next call."""
        book = self._books.setdefault(tenant, _Book())
        book.asked += 1
        book.good = 0

    async def newest(self, tenant: Tenant) -> int:
        """The epoch as it stands now."""
        return await self._store.newest(tenant, DEFINING)

    def check(self, tenant: Tenant, id: str, version: Version) -> tuple[Custom, ...]:
        """What a SearchParameter that is to be written defines. Raises Invalid where it cannot be
        offered, or where another one has its code."""
        found = customs(_struct(version), self._registry)
        timeline = self._books[tenant].timeline if tenant in self._books else Timeline()
        for custom in found:
            owner = timeline.owner(custom.base, custom.code)
            if owner not in (None, id):
                text = f"{DEFINING}/{owner} has this code on {custom.base} already."
                raise Invalid(text, issues=(Issue("error", "duplicate", text, f"{DEFINING}.code"),))
        return found

    async def writing(self, tenant: Tenant) -> None:
        """Note, before the first unit, that the index of full-text search will lack what this
        process writes."""
        if self._registry.full_text or tenant in self._wordless:
            return
        held = await self._state.get(tenant, _SPACE, OTHER)
        if held is not None:
            await self.mark(tenant, OTHER, Mark())
        self._wordless.add(tenant)

    async def mark(self, tenant: Tenant, param: Param, mark: Mark) -> None:
        """Note what a reindex has done for a parameter."""
        await self._state.put(tenant, _SPACE, param, msgspec.msgpack.encode(mark))
        self.forget(tenant)

    async def _fresh(self, tenant: Tenant) -> _Book:
        book = self._books.setdefault(tenant, _Book())
        if self._clock() >= book.good:
            async with book.lock:
                if self._clock() >= book.good:
                    await self._look(tenant, book)
        return book

    async def _look(self, tenant: Tenant, book: _Book) -> None:
        good, asked = self._clock() + _FRESH_MICROSECONDS, book.asked
        changed = await self._hear(tenant, book.timeline)
        changed = await self._analytes.hear(tenant) or changed
        if self._is_open(book):
            changed = await self._read_marks(tenant, book) or changed
        if self._registry.full_text and OTHER not in book.marks:
            changed = await self._begin(tenant, book) or changed
        if changed or book.edition is None:
            book.edition, book.parts = self._made(book), None
        if book.edition.waiting:
            await self._say(tenant, book.edition)
        if book.asked == asked:  # else something was written meanwhile
            book.good = good

    async def _begin(self, tenant: Tenant, book: _Book) -> bool:
        """Where nothing is stored yet, the index of full-text search lacks nothing."""
        if await self._store.changes(tenant, 0, 1):
            return False
        book.marks[OTHER] = Mark(built=1)
        await self._state.put(tenant, _SPACE, OTHER, msgspec.msgpack.encode(book.marks[OTHER]))
        return True

    async def _say(self, tenant: Tenant, edition: Edition) -> None:
        """Why each parameter that is not ready is not."""
        progress = await self._progress(tenant)
        for param in edition.waiting.keys() - FULL_TEXT:
            custom, since = edition.active[param]
            begun, said = progress.get(custom.base, (0, UNBUILT))
            edition.waiting[param] = said if begun == 0 or begun >= since else UNBUILT

    async def _hear(self, tenant: Tenant, timeline: Timeline) -> bool:
        """Read the versions that are new, and tell whether there were any."""
        if await self.newest(tenant) <= timeline.seen:
            return False
        found: list[Version] = []
        cursor = None
        while True:
            query = HistoryQuery(frozenset({DEFINING}), count=_PAGE, cursor=cursor)
            page = await self._store.history(tenant, query)
            new = [version for version in page.versions if version.t > timeline.seen]
            found += new
            if page.next is None or len(new) < len(page.versions):
                break
            cursor = page.next
        for version in reversed(found):
            timeline.hear(version.t, version.id, defined_in(version, self._registry))
        return True

    def _is_open(self, book: _Book) -> bool:
        """Whether something of it is not built or not removed, as far as is known."""
        return bool(self._registry.full_text or _unbuilt(book) or _unswept(book))

    async def _read_marks(self, tenant: Tenant, book: _Book) -> bool:
        found: dict[Param, Mark] = {}
        after = ""
        while page := await self._state.scan(tenant, _SPACE, after):
            for _, entry in page:
                found[Param(entry.key)] = msgspec.msgpack.decode(entry.value, type=Mark)
            after = page[-1][1].key
        changed, book.marks = found != book.marks, found
        return changed

    def _made(self, book: _Book) -> Edition:
        active, leaving = dict(book.timeline.active), _unswept(book)
        mine = [custom for custom, _ in active.values()]
        stored = [*mine, *(custom for custom, _ in leaving.values())]
        waiting = dict.fromkeys(_unbuilt(book), UNBUILT)
        if self._registry.full_text and not book.marks.get(OTHER, Mark()).built:
            waiting |= dict.fromkeys(FULL_TEXT, LACKING)
        return Edition(
            book.timeline.seen,
            active,
            leaving,
            registered(self._registry, mine, waiting.get) if mine or waiting else self._registry,
            extracting(mine, self._extract),
            extracting(stored, self._extract),
            waiting,
        )

    def _parts(self, tenant: Tenant, parts: Parts, edition: Edition) -> Parts:
        accept = self._accepting(edition.extract, edition.customs)
        return replace(
            parts,
            registry=edition.registry,
            extract=edition.extract,
            stored=edition.stored,
            accept_many=accept,
            defined=edition.t,
            codes=frozenset(custom.code for custom in edition.customs),
            masses=partial(self._analytes.of, tenant),
        )


def defined_in(version: Version, registry: Registry) -> tuple[Custom, ...]:
    """What a version of a SearchParameter defines: nothing if it is a deletion, or cannot be
    offered."""
    if version.deleted:
        return ()
    try:
        return customs(_struct(version), registry)
    except Invalid:  # from before it was checked, or by other rules
        return ()


def is_full_text(space: str, entry: Entry) -> bool:
    """Whether what is noted there says that full-text search is on, and its index whole."""
    if (space, entry.key) != (_SPACE, OTHER):
        return False
    return bool(msgspec.msgpack.decode(entry.value, type=Mark).built)


def _struct(version: Version) -> structs.Struct:
    return structs.decoder(DEFINING).decode(whole(version))


def _unbuilt(book: _Book) -> list[Param]:
    marks = book.marks
    return [p for p, (_, t) in book.timeline.active.items() if marks.get(p, Mark()).built != t]


def _unswept(book: _Book) -> dict[Param, tuple[Custom, int]]:
    ended, marks = book.timeline.ended, book.marks
    return {p: (custom, t) for p, (custom, t) in ended.items() if marks.get(p, Mark()).swept < t}
