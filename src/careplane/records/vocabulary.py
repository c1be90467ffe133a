"""Which terminology resources a tenant has, by canonical, as this process knows them.

Every question first asks the store for the `t` of the newest version of a type, and reads what is
new since; so nothing is answered from what was, in however many processes.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from operator import attrgetter

from careplane.fhir.codec import json
from careplane.fhir.tree import Tree
from careplane.kernel.errors import Malformed
from careplane.records.bodies import whole
from careplane.storage.ports.records import HistoryQuery, RecordStore, Tenant, Version
from careplane.storage.ports.state import StateStore
from careplane.terminology.library import Kind, Library
from careplane.terminology.resource import ResourceConcepts
from careplane.terminology.wholes import named_by

_PAGE = 200
_BYTES = 32_000_000
"""Bodies of resources whose trees stay in memory."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One resource. `supplements` is the url of the code system that it adds to, `whole` that of
    the value set of all its codes, `systems` are those that a concept map is from or to."""

    id: str
    number: int
    t: int
    url: str
    version: str
    content: str = ""
    supplements: str = ""
    whole: str = ""
    systems: frozenset[str] = frozenset()


@dataclass(slots=True)
class _Shelf:
    """The resources of one type. `seen` is the `t` up to which they are known."""

    seen: int = 0
    entries: dict[str, Entry] = field(default_factory=dict)
    by_url: dict[str, dict[str, Entry]] = field(default_factory=dict)
    by_whole: dict[str, dict[str, Entry]] = field(default_factory=dict)
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)


@dataclass(frozen=True, slots=True)
class Held:
    """A resource that is at hand."""

    tree: Tree
    concepts: ResourceConcepts
    size: int


class Index:
    """The resources of every tenant."""

    def __init__(self, store: RecordStore) -> None:
        self._store = store
        self._shelves: dict[tuple[Tenant, Kind], _Shelf] = {}
        self._held: OrderedDict[tuple[Tenant, Kind, str, int], Held] = OrderedDict()
        self._bytes = 0

    async def of(self, tenant: Tenant, kind: Kind, url: str) -> Mapping[str, Entry]:
        """The resources of a canonical, by version."""
        shelf = await self._fresh(tenant, kind)
        return shelf.by_url.get(url, {})

    async def wholes(self, tenant: Tenant, url: str) -> Mapping[str, Entry]:
        """The code systems that name a value set of all their codes, by version."""
        shelf = await self._fresh(tenant, "CodeSystem")
        return shelf.by_whole.get(url, {})

    async def all(self, tenant: Tenant, kind: Kind) -> Iterable[Entry]:
        """All of a type, sorted."""
        shelf = await self._fresh(tenant, kind)
        found = (entry for versions in shelf.by_url.values() for entry in versions.values())
        return sorted(found, key=lambda e: (e.url, e.version))

    async def held(self, tenant: Tenant, kind: Kind, entry: Entry) -> Held | None:
        """The resource itself; None where it has gone meanwhile."""
        key = (tenant, kind, entry.id, entry.number)
        found = self._held.get(key)
        if found is None:
            version = await self._store.read(tenant, kind, entry.id)
            if version is None or version.deleted or version.version != entry.number:
                return None
            found = hold(whole(version))
            self._keep(key, found)
        else:
            self._held.move_to_end(key)
        return found

    def _keep(self, key: tuple[Tenant, Kind, str, int], found: Held) -> None:
        self._held[key] = found
        self._bytes += found.size
        while self._bytes > _BYTES and len(self._held) > 1:
            _, gone = self._held.popitem(last=False)
            self._bytes -= gone.size

    async def _fresh(self, tenant: Tenant, kind: Kind) -> _Shelf:
        shelf = self._shelves.setdefault((tenant, kind), _Shelf())
        if await self._store.newest(tenant, kind) != shelf.seen:
            async with shelf.lock:
                await self._hear(tenant, kind, shelf)
        return shelf

    async def _hear(self, tenant: Tenant, kind: Kind, shelf: _Shelf) -> None:
        """Read the versions that are new. Where time went back, records were erased: all anew."""
        newest = await self._store.newest(tenant, kind)
        if newest < shelf.seen:
            shelf.seen, shelf.entries = 0, {}
        seen, cursor = shelf.seen, None
        done: set[str] = set()
        while newest > shelf.seen:
            page = await self._store.history(
                tenant, HistoryQuery(frozenset({kind}), count=_PAGE, cursor=cursor)
            )
            new = [version for version in page.versions if version.t > shelf.seen]
            for version in new:
                seen = max(seen, version.t)
                if version.id not in done:
                    done.add(version.id)
                    _note(shelf.entries, version)
            if page.next is None or len(new) < len(page.versions):
                break
            cursor = page.next
        shelf.seen = max(seen, newest)
        shelf.by_url = _grouped(shelf.entries.values(), attrgetter("url"))
        shelf.by_whole = _grouped(shelf.entries.values(), attrgetter("whole"))


Named = Callable[[str], Awaitable[Sequence[tuple[str, str]]]]


@dataclass(frozen=True, slots=True)
class Terms:
    """What codes are looked up in, handed in by `app.build`: `index` knows the resources of
    tenants, `everybodys` has what all share: loaded terminologies, packages, R4's own. `state`
    keeps the closure tables of clients; `named` finds codes, with their systems, by how a name of
    theirs begins."""

    index: Index
    everybodys: Library
    state: StateStore | None = None
    named: Named | None = None


def hold(raw: bytes) -> Held:
    """A resource, made of its bytes."""
    tree = json.parse(raw)
    return Held(tree, ResourceConcepts(tree), len(raw))


def _note(entries: dict[str, Entry], version: Version) -> None:
    entries.pop(version.id, None)
    if not version.deleted and (found := _entry(version)) is not None:
        entries[version.id] = found


def _entry(version: Version) -> Entry | None:
    try:
        tree = json.parse(whole(version))
    except Malformed:  # from before it was checked
        return None
    url = tree.get("url")
    if not isinstance(url, str):
        return None
    return Entry(
        version.id,
        version.version,
        version.t,
        url,
        tree.get("version", ""),
        tree.get("content", ""),
        tree.get("supplements", "").partition("|")[0],
        named_by(tree),
        frozenset(
            group[end]
            for group in tree.get("group", ())
            for end in ("source", "target")
            if end in group
        ),
    )


def _grouped(
    entries: Iterable[Entry], url_of: Callable[[Entry], str]
) -> dict[str, dict[str, Entry]]:
    """Of several with one canonical and version, the one that was written last counts."""
    found: dict[str, dict[str, Entry]] = {}
    for entry in sorted(entries, key=attrgetter("t")):
        if url := url_of(entry):
            found.setdefault(url, {})[entry.version] = entry
    return found
