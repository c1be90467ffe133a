"""A store that keeps its bodies encrypted, and whoever looks into it, or changes it, from below."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import asyncpg

from careplane.app import keys
from careplane.storage.engines import postgres, sqlite
from careplane.storage.engines.sqlite.connection import connect, key_for
from careplane.storage.engines.sqlite.versions import METHODS
from careplane.storage.ports.engine import Engine
from careplane.storage.ports.records import Version
from tests import postgres as server
from tests.contracts.conftest import Hands

KEY = bytes(range(32))
Bodies = list[tuple[int, bytes]]


def as_before(data: Path, versions: Sequence[Version]) -> None:
    """A data folder as a version before encryption left it: bodies as they are, and no keys."""
    root = keys.load(data).derive("store")
    opened = connect(data / "records.sqlite", key_for("records", root))
    for version in versions:
        form = METHODS.index(version.method)
        opened.execute(
            "UPDATE version SET form = ?, body = ? WHERE t = ?", (form, version.rest, version.t)
        )
    opened.close()
    for path in data.glob("keys.sqlite*"):
        path.unlink()


class Installation:
    """A store that can be opened twice, and looked into from below."""

    def __init__(self, kind: str, folder: Path) -> None:
        self.kind, self.folder = kind, folder
        self.url = server.url() if kind == "postgres" else ""

    def open(self, **limits: Any) -> Engine:
        if self.kind == "postgres":
            chosen = postgres.Limits(quick=2, careful=2, folder=self.folder, **limits)
            return postgres.open(self.url, KEY, Hands(), chosen)
        return sqlite.open(self.folder, KEY, Hands(), sqlite.Limits(**limits))

    async def execute(self, lite: str, postgres: str = "") -> list[tuple[Any, ...]]:
        """SQL on the records or on the keys, from outside."""
        if self.kind == "postgres":
            connection = await asyncpg.connect(self.url)
            try:
                return [tuple(row) for row in await connection.fetch(postgres or lite)]
            finally:
                await connection.close()
        name = "keys" if " key" in lite else "records"
        opened = connect(self.folder / f"{name}.sqlite", key_for(name, KEY))
        try:
            return list(opened.execute(lite))
        finally:
            opened.close()

    async def bodies(self) -> Bodies:
        """Form and body of each version, those of a tenant in the order of commit."""
        rows = await self.execute("SELECT form, body FROM version ORDER BY tenant, t")
        return [(form, bytes(body)) for form, body in rows]
