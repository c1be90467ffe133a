"""What a store must answer, said as plainly as it can be: lists, and the meaning of a plan."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from careplane.search.match import Subject, matches
from careplane.search.order import ordered
from careplane.search.plan import Query
from careplane.search.rows import Rows
from careplane.storage.ports.records import Key, Version


@dataclass
class Model:
    """One tenant. `heard` is every key in the order in which it was first written or named."""

    heard: list[Key] = field(default_factory=list)
    rows: dict[Key, Rows] = field(default_factory=dict)
    log: list[Version] = field(default_factory=list)

    def hear(self, key: Key) -> None:
        if key not in self.heard:
            self.heard.append(key)

    def wrote(self, versions: tuple[Version, ...], rows: tuple[Rows, ...]) -> None:
        for version in versions:
            self.hear((version.type, version.id))
        for version, mine in zip(versions, rows, strict=True):
            self.log.append(version)
            self.rows[version.type, version.id] = mine
            for key in _targets(mine):
                self.hear(key)

    def current(self, key: Key) -> Version | None:
        return next((v for v in reversed(self.log) if (v.type, v.id) == key), None)

    def version_of(self, key: Key) -> int:
        now = self.current(key)
        return now.version if now else 0

    def rows_of(self, key: Key) -> Rows:
        return self.rows.get(key, Rows())

    def resource(self, type: str, id: str) -> Subject | None:
        now = self.current((type, id))
        if now is None or now.deleted:
            return None
        return Subject(type, id, now.last_updated, self.rows[type, id])

    def referring(self, source: str, type: str, id: str) -> Iterator[Subject]:
        return (s for s in self._subjects() if s.type == source)

    def search(self, query: Query) -> list[Key]:
        found = [
            s
            for s in self._subjects()
            if (not query.types or s.type in query.types) and matches(query.where, s, self)
        ]
        return [(s.type, s.id) for s in ordered(found, query.sort)]

    def _subjects(self) -> list[Subject]:
        found = (self.resource(*key) for key in self.heard)
        return [s for s in found if s is not None]


def _targets(rows: Rows) -> Iterator[Key]:
    for row in rows.references:
        yield row.type, row.id
    for group in rows.composites:
        yield from _targets(group.parts)
