"""The records of one tenant, and the world that `search.match` looks at when a plan leaves one."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Set
from dataclasses import dataclass, field

from careplane.search.match import Subject
from careplane.search.rows import Rows, WordsRow
from careplane.storage.ports.records import DEFINING, Key, Superseded, Version


@dataclass(slots=True)
class Record:
    """All versions of one resource, oldest first, and the rows of the last one. `place`: its number
    in the order of answers; `born`: the `t` of its first version."""

    place: int
    born: int = 0
    versions: list[Version] = field(default_factory=list)
    rows: Rows = field(default_factory=Rows)

    @property
    def current(self) -> Version | None:
        return self.versions[-1] if self.versions else None

    @property
    def version(self) -> int:
        """The number of the current version; 0 where there is none."""
        return self.versions[-1].version if self.versions else 0

    @property
    def subject(self) -> Subject | None:
        """As a search sees it; None while there is nothing to find."""
        now = self.current
        if now is None or now.deleted:
            return None
        return Subject(now.type, now.id, now.last_updated, self.rows)


@dataclass(slots=True)
class Places:
    """Numbers in the order of answers, over all tenants."""

    last: int = 0

    def next(self) -> int:
        self.last += 1
        return self.last


class Shelf:
    """One tenant. A key has its place from the moment that the store first hears of it, as a
    record or as the target of a reference: the order in which searches without `sort` answer."""

    def __init__(self, places: Places) -> None:
        self._places = places
        self.records: dict[Key, Record] = {}
        self.log: list[Version] = []
        self.defined = 0
        self._referring: defaultdict[Key, dict[Key, None]] = defaultdict(dict)

    def resource(self, type: str, id: str) -> Subject | None:
        record = self.records.get((type, id))
        return record.subject if record else None

    def referring(self, source: str, type: str, id: str) -> Iterator[Subject]:
        for key in self._referring.get((type, id), ()):
            subject = self.records[key].subject
            if subject is not None and key[0] == source:
                yield subject

    def hear_of(self, keys: Iterable[Key]) -> None:
        for key in keys:
            if key not in self.records:
                self.records[key] = Record(self._places.next())

    def erase(self, keys: Set[Key], versions: Set[Superseded]) -> None:
        """Forget these, and keep their places."""
        for key in keys & self.records.keys():
            for target in targets(self.records[key].rows):
                self._referring[target].pop(key, None)
            self.records[key] = Record(self.records[key].place)
        gone = {(v.type, v.id, v.version) for v in versions}
        for old in versions:
            record = self.records[old.type, old.id]
            record.versions = [v for v in record.versions if _identity(v) not in gone]
        self.log = [v for v in self.log if (v.type, v.id) not in keys and _identity(v) not in gone]

    def write(self, version: Version, rows: Rows) -> None:
        key = (version.type, version.id)
        record = self.records[key]
        for target in targets(record.rows):
            self._referring[target].pop(key, None)
        record.versions.append(version)
        record.born = record.born or version.t
        self.log.append(version)
        if version.type == DEFINING:
            self.defined = version.t
        self._index(key, record, rows)

    def reindex(self, key: Key, rows: Rows) -> None:
        """Other rows for the version that is there."""
        record = self.records[key]
        for target in targets(record.rows):
            self._referring[target].pop(key, None)
        self._index(key, record, rows)

    def _index(self, key: Key, record: Record, rows: Rows) -> None:
        record.rows = rows
        for target in targets(rows):
            self._referring[target][key] = None
        self.hear_of(targets(rows))


def _identity(version: Version) -> tuple[str, str, int]:
    return version.type, version.id, version.version


def targets(rows: Rows) -> Iterator[Key]:
    """Everything that a resource refers to, in order, its composites last."""
    for row in rows.references:
        yield row.type, row.id
    for group in rows.composites:
        yield from targets(group.parts)


def changed(had: Rows, wanted: Rows, gone: Rows) -> Rows | None:
    """The rows with those that are wanted and without those that are gone, words replaced by those
    that are wanted; None where that is what they are."""
    found = Rows(words=had.words)
    if wanted.words and _words(wanted) != _words(had):
        found.words = wanted.words
    for kind in Rows.__struct_fields__:
        if kind == "words":
            continue
        before, add, take = (getattr(rows, kind) for rows in (had, wanted, gone))
        kept = [row for row in before if row in add or row not in take]
        setattr(found, kind, [*kept, *(row for row in add if row not in kept)])
    return None if found == had else found


def _words(rows: Rows) -> set[WordsRow]:
    return {row for row in rows.words if row.words}
