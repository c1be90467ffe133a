"""The register of institutions, in the StateStore, and what an operator does with it.

It is one value, so that no two institutions ever have a number, a name or a host name in common,
whoever else changes it at the same time.
"""

from __future__ import annotations

from collections.abc import Callable

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from careplane.access.tenants.institution import FIRST, Institution, checked
from careplane.kernel.clock import Clock
from careplane.kernel.errors import Conflict, Incorrect, NotFound
from careplane.storage.ports.records import Tenant
from careplane.storage.ports.state import StateStore

NOBODY = Tenant(0)
"""The register is the installation's own."""
SPACE, BOOK = "tenant", "register"
Change = Callable[[Institution], Institution]


class Book(Struct, frozen=True):
    """All there are, and the number that the next one gets."""

    next: int
    institutions: tuple[Institution, ...]


_encode = msgspec.msgpack.encode
_decode = msgspec.msgpack.Decoder(Book).decode
EMPTY = Book(FIRST + 1, (Institution(FIRST, "default", "Default"),))


def read(value: bytes) -> Book:
    """The register as it is kept."""
    return _decode(value)


class Register:
    """Raises NotFound for an institution that is not there, Conflict for a name or a host name that
    another one has, Incorrect for one that cannot be."""

    def __init__(self, state: StateStore, clock: Clock) -> None:
        self._state = state
        self._clock = clock

    async def all(self) -> tuple[Institution, ...]:
        """In order of their numbers."""
        return (await self._book())[0].institutions

    async def get(self, name: str) -> Institution:
        """One of them."""
        return _named((await self._book())[0], name)

    async def add(self, institution: Institution) -> Institution:
        """As given, but with a number of its own, which is never given again."""

        def added(book: Book) -> tuple[Book, Institution]:
            new = replace(institution, number=book.next, created=self._clock())
            new = _free(book, checked(new))
            return Book(book.next + 1, (*book.institutions, new)), new

        return await self._change(added)

    async def change(self, name: str, change: Change) -> Institution:
        """The institution as it is then; its number stays."""

        def changed(book: Book) -> tuple[Book, Institution]:
            old = _named(book, name)
            new = replace(change(old), number=old.number, created=old.created)
            if old.number == FIRST and new.disabled:
                raise Incorrect("The first institution is the installation's own: it stays.")
            new = _free(book, checked(new))
            all = tuple(new if one is old else one for one in book.institutions)
            return Book(book.next, all), new

        return await self._change(changed)

    async def remove(self, name: str) -> Institution:
        """Take out one that is disabled; its number is never given again, and its data is not
        touched."""

        def removed(book: Book) -> tuple[Book, Institution]:
            old = _named(book, name)
            if not old.disabled:
                raise Conflict(f"{name} is not disabled; careplane tenant disable {name} first.")
            return Book(book.next, tuple(o for o in book.institutions if o is not old)), old

        return await self._change(removed)

    async def _change(self, change: Callable[[Book], tuple[Book, Institution]]) -> Institution:
        while True:
            book, revision = await self._book()
            then, institution = change(book)
            if await self._state.put(NOBODY, SPACE, BOOK, _encode(then), revision):
                return institution

    async def _book(self) -> tuple[Book, int]:
        entry = await self._state.get(NOBODY, SPACE, BOOK)
        return (read(entry.value), entry.revision) if entry else (EMPTY, 0)


def _named(book: Book, name: str) -> Institution:
    for one in book.institutions:
        if one.name == name:
            return one
    raise NotFound(f"There is no institution {name[:64]!r}; see careplane tenant list.")


def _free(book: Book, new: Institution) -> Institution:
    for one in book.institutions:
        if one.number == new.number:
            continue
        if one.name == new.name:
            raise Conflict(f"There is an institution {new.name} already.")
        if new.host and one.host == new.host:
            raise Conflict(f"{one.name} has the host name {new.host} already.")
    return new
