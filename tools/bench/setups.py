"""The ways of running Careplane that are measured, and what is wanted of each."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Fact:
    """A measured figure that is no load: its name, value as text and target as text."""

    name: str
    value: str
    target: str


@dataclass(frozen=True, slots=True)
class Setup:
    """An engine and a number of serving processes; targets by how the names they are of begin."""

    name: str
    workers: int
    targets: dict[str, str]
    database: bool = False
    """Whether the records are in PostgreSQL, on the same machine."""

    def target(self, of: str) -> str:
        return next((text for name, text in self.targets.items() if of.startswith(name)), "-")

    def fact(self, name: str, value: str) -> Fact:
        return Fact(name, value, self.target(name))


SETUPS = (
    Setup(
        "SQLite, one worker",
        1,
        {
            "GET by id": "10,000 req/s",
            "search": "4,000 req/s",
            "POST": "1,500 req/s, p99 < 60 ms",
            "transaction": "5,000 resources/s",
            "`careplane import`": "5,000 resources/s",
            "on disk": "1.5 kB",
            "start": "2 s",
            "memory": "400 MB",
        },
    ),
    Setup(
        "SQLite, two workers",
        2,
        {
            "GET by id": "15,000 req/s, p99 < 5 ms",
            "search": "6,000 req/s",
            "POST": "2,500 req/s, p99 < 40 ms",
            "transaction": "6,000 resources/s",
            "`careplane import`": "8,000 resources/s",
            "on disk": "1.2 kB",
            "start": "1.5 s",
        },
    ),
    Setup(
        "PostgreSQL, two workers",
        2,
        {
            "GET by id": "7,000 req/s",
            "search": "3,000 req/s",
            "transaction": "3,000 resources/s",
            "`careplane import`": "5,000 resources/s",
            "on disk": "2.0 kB",
        },
        database=True,
    ),
)
