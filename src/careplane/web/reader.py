"""What pages read: the door's records as trees, for one caller.

Every call passes the door, so pages see what their caller may see, and are audited as the API is.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import msgspec

from careplane.access.caller import Caller
from careplane.fhir.tree import Tree
from careplane.kernel.clock import format_instant
from careplane.kernel.errors import Forbidden, Incorrect
from careplane.records import commands
from careplane.records.bodies import whole
from careplane.records.door import Door
from careplane.records.results import Version
from careplane.terminology.library import Library

Pairs = Sequence[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Record:
    """One version of a resource. `tree` is empty for a deletion; `raw` are its bytes."""

    type: str
    id: str
    version: int
    updated: str
    method: str
    raw: bytes
    tree: Tree

    @property
    def deleted(self) -> bool:
        return self.method == "DELETE"


@dataclass(frozen=True, slots=True)
class Page:
    """Some records; `next` is a cursor, `issues` name what the search did not understand."""

    records: tuple[Record, ...]
    next: str | None = None
    total: int | None = None
    issues: tuple[str, ...] = ()

    @property
    def trees(self) -> list[Tree]:
        return [record.tree for record in self.records]


# What is stored has been checked, so this may be less strict than `fhir.codec`; digits are kept.
_decoder = msgspec.json.Decoder(dict[str, Any], float_hook=Decimal)

NOT_ALLOWED = Page((), issues=("forbidden",))
"""The answer where a part of a page is not for the caller; the rest of the page is."""


@dataclass(frozen=True, slots=True)
class Reader:
    """Reads for one caller."""

    door: Door
    caller: Caller

    async def read(self, type: str, id: str) -> Record:
        """The current version; raises NotFound, Gone or Forbidden."""
        return _record(await self.door.read(self.caller, commands.Read(type, id)))

    async def vread(self, type: str, id: str, version: int) -> Record:
        """One version; raises NotFound, Gone or Forbidden."""
        return _record(await self.door.vread(self.caller, commands.Vread(type, id, version)))

    async def history(self, type: str, id: str, cursor: str | None = None) -> Page:
        """Versions of one record, newest first."""
        command = commands.History(type, id, count=50, cursor=cursor)
        found = await self.door.history(self.caller, command)
        return Page(tuple(map(_record, found.versions)), found.next, found.total)

    async def search(self, type: str, pairs: Pairs, cursor: str | None = None) -> Page:
        """Records of a type; raises Incorrect for a value that is not understood, or Forbidden."""
        command = commands.Search(type, tuple(pairs), cursor=cursor)
        found = await self.door.search(self.caller, command)
        issues = tuple(issue.text for issue in found.issues)
        return Page(tuple(map(_record, found.matches)), found.next, found.total, issues)

    async def glance(self, type: str, pairs: Pairs) -> Page:
        """As `search`, for a part of a page that others do without: what the caller may not see
        is `NOT_ALLOWED`."""
        try:
            return await self.search(type, pairs)
        except Forbidden:
            return NOT_ALLOWED

    async def attempt(self, type: str, pairs: Pairs, cursor: str | None = None) -> tuple[Page, str]:
        """A search by a person, who may have typed half a date: what was found, and what is wrong
        with the search."""
        try:
            return await self.search(type, pairs, cursor), ""
        except Incorrect as error:
            return Page((), total=0), error.text

    async def several(self, *asked: tuple[str, Pairs]) -> list[Page]:
        """Glances side by side."""
        return list(await asyncio.gather(*(self.glance(type, pairs) for type, pairs in asked)))

    async def meaning(
        self,
        operation: str,
        type: str,
        work: Callable[[Library], Awaitable[Mapping[str, Any]]],
    ) -> dict[str, Any]:
        """What `work` makes of all code systems, value sets and concept maps that the caller finds;
        the audit trail has it as this operation."""

        async def within(library: Library, instance: Tree | None) -> Tree:
            return dict(await work(library))

        return await self.door.ask(self.caller, commands.Ask(operation, type, within))

    async def counts(self) -> dict[str, int]:
        """How many records of each type there are for this caller."""
        return dict(await self.door.counts(self.caller, commands.Counts()))


def _record(version: Version) -> Record:
    updated = format_instant(version.last_updated)
    raw = b"" if version.deleted else whole(version)
    return Record(
        type=version.type,
        id=version.id,
        version=version.version,
        updated=updated,
        method=version.method,
        raw=raw,
        tree=_decoder.decode(raw) if raw else {},
    )
