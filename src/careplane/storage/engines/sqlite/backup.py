"""Vault (storage.ports.backup) on SQLite: each file through SQLite's online backup, in an order.

Each file is copied as it is at one moment, while others write; the moments differ, so the order
matters. State and ledger first: what services noted as done is in the records then, and is at most
done again; no leaf is of a version that the copy has not. Records next, the keys of their bodies,
spools (plain files, sealed as they are), and the audit file last: an audit record that moves on
meanwhile is in the copy twice, and not lost; which ones were moved stands in the audit file, so it
counts once.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from careplane.kernel.errors import NotFound
from careplane.storage.engines.sqlite.chunks import Chunks
from careplane.storage.engines.sqlite.connection import connect, key_for
from careplane.storage.engines.sqlite.faults import complaints
from careplane.storage.engines.sqlite.keys import KEYS
from careplane.storage.engines.sqlite.known import Kind
from careplane.storage.engines.sqlite.ledger import LEDGER
from careplane.storage.engines.sqlite.moving.marker import require_whole
from careplane.storage.engines.sqlite.outbox import inboxes
from careplane.storage.engines.sqlite.packages import PACKAGES
from careplane.storage.engines.sqlite.spool import Spooled, segments
from careplane.storage.engines.sqlite.state import STATE
from careplane.storage.engines.sqlite.store import RECORDS
from careplane.storage.engines.sqlite.terminology import TERMINOLOGY
from careplane.storage.engines.sqlite.trail import AUDIT
from careplane.storage.ports.backup import Contents, Part

if TYPE_CHECKING:
    from sqlite3 import Connection

_CACHE_KIB = 8_192
_PIECE = 1 << 20
_VERSIONS = """SELECT t, tenant, type, rid, version, updated, form, body
FROM version ORDER BY t"""
_WAITING = "SELECT id, tenant, record FROM outbox ORDER BY id"
_STATE = "SELECT revision, tenant, space, key, value FROM state ORDER BY revision"
_LEAVES = "SELECT number, leaf, salt, said FROM entry ORDER BY number"
_KEYS = "SELECT 0, number, tenant, owner, parent, current, wrapped FROM key ORDER BY number"
_CONCEPTS = "SELECT id, key, links, body FROM concept ORDER BY id"
_RESOURCES = """SELECT text, count(*) FROM resource JOIN name ON name.id = type AND kind = ?
WHERE gone = 0 GROUP BY text ORDER BY text"""


class _File(NamedTuple):
    """A file of a data folder, and the purpose of its key, none where it is no database."""

    name: str
    purpose: str = ""


class SqliteVault:
    """Copies of the data folder `source`, made with its key, and readable by it alone."""

    engine = "sqlite"

    def __init__(self, source: Path, key: bytes) -> None:
        self._source = source
        self._key = key

    def copy(self, target: Path) -> None:
        """See the port."""
        source = self._source
        require_whole(source)
        if not (source / RECORDS).exists():
            raise NotFound(f"{source} holds no records; name --database where they are in one.")
        for file in _files(source):
            if not (source / file.name).exists():
                continue
            if not file.purpose:
                with suppress(FileNotFoundError):  # moved on meanwhile, to the file behind it
                    _copy(source / file.name, target / file.name)
                continue
            os.close(os.open(target / file.name, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
            with (
                complaints(),
                self._opened(source, file, read_only=True) as live,
                self._opened(target, file) as made,
            ):
                live.backup(made)  # in one step: from one moment

    def restore(self, copy: Path, folder: Path) -> Contents:
        """See the port."""
        for file in _files(copy):
            if file.name == KEYS and not (copy / KEYS).exists():
                continue  # a copy from before bodies were encrypted
            _copy(copy / file.name, folder / file.name)
        return self.contents(folder)

    def contents(self, copy: Path) -> Contents:
        """See the port."""
        with complaints():
            with self._opened(copy, _File(RECORDS, "records"), read_only=True) as records:
                resources = dict(records.execute(_RESOURCES, (Kind.TYPE,)).fetchall())
                versions = _part([records], _VERSIONS)
                waiting = self._waiting(copy, records)
            with self._opened(copy, _File(AUDIT, "audit"), read_only=True) as trail:
                audit = _part_of(Chunks(trail).behind(0))
            with self._opened(copy, _File(STATE, "state"), read_only=True) as noted:
                state = _part([noted], _STATE)
            others = [
                self._other(copy, _File(LEDGER, "ledger"), _LEAVES),
                self._other(copy, _File(KEYS, "keys"), _KEYS),
                self._other(copy, _File(TERMINOLOGY, "terminology"), _CONCEPTS),
            ]
        return Contents(resources, versions, audit, waiting, state, *others)

    def _other(self, folder: Path, file: _File, sql: str) -> Part | None:
        """None where there is no such file: the ledger's and terminology's are made when they are
        first of use, and a copy from before bodies were encrypted has no keys."""
        if not (folder / file.name).exists():
            return None
        with self._opened(folder, file, read_only=True) as connection:
            return _part([connection], sql)

    def _waiting(self, folder: Path, records: Connection) -> Part:
        def rows() -> Iterator[tuple[Any, ...]]:
            yield from records.execute(_WAITING)
            for path in inboxes(folder).values():
                with self._opened(folder, _File(path.name, "audit"), read_only=True) as inbox:
                    yield from inbox.execute(_WAITING)
            for place in segments(folder):
                yield from Spooled(folder, place, key_for("audit", self._key)).all()

        return _part_of(rows())

    @contextmanager
    def _opened(
        self, folder: Path, file: _File, *, read_only: bool = False
    ) -> Iterator[Connection]:
        key = key_for(file.purpose, self._key)
        path = folder / file.name
        with closing(connect(path, key, cache_kib=_CACHE_KIB, read_only=read_only)) as connection:
            yield connection


def _files(folder: Path) -> Iterator[_File]:
    """In the order in which they must be copied. Spools are looked for when their turn comes."""
    yield _File(STATE, "state")
    if (folder / LEDGER).exists():
        yield _File(LEDGER, "ledger")
    if (folder / PACKAGES).exists():
        yield _File(PACKAGES, "packages")
    if (folder / TERMINOLOGY).exists():
        yield _File(TERMINOLOGY, "terminology")
    yield _File(RECORDS, "records")
    yield _File(KEYS, "keys")
    for path in inboxes(folder).values():
        yield _File(path.name, "audit")
    for place in segments(folder).values():
        for segment in place:
            yield _File(segment.path.name)
    yield _File(AUDIT, "audit")


def _copy(source: Path, target: Path) -> None:
    with source.open("rb") as read:
        handle = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "wb") as made:
            shutil.copyfileobj(read, made, _PIECE)


def _part(connections: Iterable[Connection], sql: str) -> Part:
    return _part_of(row for connection in connections for row in connection.execute(sql))


def _part_of(rows: Iterable[tuple[Any, ...]]) -> Part:
    sum, count, newest = hashlib.sha256(), 0, 0
    for row in rows:
        sum.update(msgspec.msgpack.encode(row))
        count, newest = count + 1, max(newest, row[0])
    return Part(count, newest, sum.hexdigest())
