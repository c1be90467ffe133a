"""The Consents of one tenant as this process knows them: read once, then what has changed.

What has been committed is heard of within a second, what this process has written at once. Who
belongs to an organisation or a care team is read along, since provisions name these.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec

from careplane.access.consent.edition import Edition
from careplane.access.consent.members import GROUPS, WITH_MEMBERS, belonging, memberships
from careplane.access.consent.rule import Given, Reading, Stated, may_name_groups, stated
from careplane.access.consent.terms import PART2, SECURITY
from careplane.kernel.clock import Clock
from careplane.search.plan import Coding, Query, Token
from careplane.search.rows import END
from careplane.storage.ports.records import HistoryQuery, RecordStore, Tenant, Version

CONSENT = "Consent"
HEARD = frozenset({CONSENT, *GROUPS})
"""Types that decisions hang on."""
_FRESH_MICROSECONDS = 1_000_000
_PAGE = 500
_BREATH = 200
_decode = msgspec.json.Decoder(dict[str, Any]).decode


@dataclass(slots=True)
class Book:
    """What is known of one tenant. `written` are its Consents, and their `t`. `passing` are those
    that say something else at another time, or when others belong to a group; `pending` those that
    have changed since the edition; `regrouped`: groups have. `names_groups`: some may name a team
    or an organisation. `seen` is the newest `t` by type; `until` is when something begins or ends
    to be in force; `good` until when all of this is fresh."""

    written: dict[str, tuple[int, Stated]] = field(default_factory=dict)
    passing: set[str] = field(default_factory=set)
    pending: set[str] = field(default_factory=set)
    regrouped: bool = False
    names_groups: bool = False
    groups: dict[str, dict[str, Any]] = field(default_factory=dict)
    members: Mapping[str, frozenset[str]] = field(default_factory=dict)
    seen: dict[str, int] = field(default_factory=dict)
    edition: Edition | None = None
    until: int = END
    good: int = 0
    asked: int = 0
    part2: bool = False
    base: str = ""
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)


BaseOf = Callable[[Tenant], str]
"""The address of a tenant's FHIR interface; empty where only a request says it."""


def without_address(tenant: Tenant) -> str:
    """A BaseOf where no absolute reference is to one's own records."""
    return ""


class Books:
    """The books of every tenant. `base_of` is the address of a tenant, by which absolute references
    to its own records are known."""

    def __init__(self, store: RecordStore, clock: Clock, base_of: BaseOf = without_address) -> None:
        self._store = store
        self._clock = clock
        self._base_of = base_of
        self._books: dict[Tenant, Book] = {}

    def edition(self, tenant: Tenant) -> Edition | None:
        """As this process last saw it; None where it has never looked."""
        book = self._books.get(tenant)
        return book.edition if book else None

    def forget(self, tenant: Tenant, *, wholly: bool = False) -> None:
        """Look again before the next call; `wholly`: at all of it, for some may be gone."""
        book = self._books.setdefault(tenant, Book())
        book.asked += 1
        book.good = 0
        if wholly:
            book.seen.clear()

    def is_fresh(self, tenant: Tenant, now: int) -> bool:
        """Whether it is known what this process has written, and what others had a second ago."""
        book = self._books.get(tenant)
        return book is not None and now < book.good

    async def fresh(self, tenant: Tenant) -> None:
        """Know it."""
        book = self._books.setdefault(tenant, Book())
        if self._clock() >= book.good:
            async with book.lock:
                if self._clock() >= book.good:
                    await self._look(tenant, book)

    async def _look(self, tenant: Tenant, book: Book) -> None:
        looked, asked = self._clock(), book.asked
        base = self._base_of(tenant)
        if base != book.base:  # what they refer to reads otherwise now
            book.base = base
            book.seen.clear()
        await self._consents(tenant, book)
        await self._members(tenant, book)
        book.part2 = book.part2 or await self._has_part2(tenant)
        await self._renew(book, looked)
        if book.asked == asked:  # else something was written meanwhile
            book.good = min(looked + _FRESH_MICROSECONDS, book.until)

    async def _has_part2(self, tenant: Tenant) -> bool:
        label = Token(SECURITY, (Coding(None, PART2, any_system=True),))
        page = await self._store.search(tenant, Query(frozenset(), label, count=1))
        return bool(page.versions)

    async def _consents(self, tenant: Tenant, book: Book) -> None:
        """What is read stays pending until the edition has it, though a look may fail between."""
        newest, seen = await self._store.newest(tenant, CONSENT), book.seen.get(CONSENT)
        if newest == seen:
            return
        if seen is None or newest < seen:  # never read, or some have been erased
            there = {version.id: version async for version in self._all(tenant, CONSENT)}
            book.pending |= book.written.keys() - there.keys()
            for id in book.written.keys() - there.keys():
                del book.written[id]
            for version in there.values():
                self._heard(book, version)
        else:
            for version in reversed([v async for v in self._since(tenant, CONSENT, seen)]):
                self._heard(book, version)
        book.seen[CONSENT] = newest

    def _heard(self, book: Book, version: Version) -> None:
        book.pending.add(version.id)
        if version.deleted:
            book.written.pop(version.id, None)
            return
        one = stated(_whole(version))
        book.written[version.id] = (version.t, one)
        book.names_groups = book.names_groups or may_name_groups(one, WITH_MEMBERS)

    async def _members(self, tenant: Tenant, book: Book) -> None:
        """Care teams and practitioners' roles, where some Consent names a group at all."""
        if not book.names_groups:
            return
        for type in GROUPS:
            newest = await self._store.newest(tenant, type)
            if newest == book.seen.get(type):
                continue
            there = {
                f"{type}/{version.id}": _tree(version) async for version in self._all(tenant, type)
            }
            for key in [key for key in book.groups if key.startswith(f"{type}/")]:
                del book.groups[key]
            book.groups.update(there)
            book.regrouped = True
            book.seen[type] = newest

    async def _all(self, tenant: Tenant, type: str) -> Any:
        after: str | None = None
        while page := await self._store.current(tenant, type, after, _PAGE):
            for version in page:
                yield version
            after = page[-1].id
            await asyncio.sleep(0)

    async def _since(self, tenant: Tenant, type: str, seen: int) -> Any:
        cursor: str | None = None
        while True:
            query = HistoryQuery(frozenset({type}), count=_PAGE, cursor=cursor)
            page = await self._store.history(tenant, query)
            for version in page.versions:
                if version.t <= seen:
                    return
                yield version
            if page.next is None:
                return
            cursor = page.next

    async def _renew(self, book: Book, looked: int) -> None:
        """Bring the edition up to what has been read, at one stroke: only Consents that have
        changed are read anew, and those that may say something else now."""
        if book.regrouped:
            book.members = memberships(book.groups)
        again = looked >= book.until or book.regrouped
        ids = book.pending | book.passing if again else set(book.pending)
        known = book.edition
        if known is not None and not ids and not again and known.part2 == book.part2:
            return
        read = Reading(looked, lambda name: belonging(name, book.members), book.base)
        found: list[tuple[str, int, Given | None]] = []
        passing: set[str] = set()
        for number, id in enumerate(ids, 1):
            t, one = book.written.get(id, (0, None))
            given, lasts = read.given(one) if one is not None else (None, True)
            found.append((id, t, given))
            if not lasts:
                passing.add(id)
            if number % _BREATH == 0:
                await asyncio.sleep(0)
        edition = Edition() if known is None else known
        edition.part2 = book.part2
        edition.change(found)
        book.edition = edition
        book.passing = (book.passing - ids) | passing
        book.until = read.ends if again else min(book.until, read.ends)
        book.pending -= ids
        book.regrouped = False


def _tree(version: Version) -> dict[str, Any]:
    return _decode(_whole(version))


def _whole(version: Version) -> bytes:
    return b'{"meta":{"versionId":"0"' + version.rest
