"""Brings the database to the newest schema: numbered SQL files, each applied once and recorded,
under an advisory lock, so that processes which start together do not meet.

Each file is a transaction of its own with its record: what was interrupted goes on where it ended.
A file expands only, so that processes of the version before work on; what they needed and nobody
does any more is contracted by a later version's file.
"""

from __future__ import annotations

from importlib.resources import files

from careplane.kernel.errors import Fault, NotFound
from careplane.storage.engines.postgres.sessions import Connection
from careplane.storage.engines.postgres.wall import raise_wall

_LOCK = 7_203_118
_MARK = "SELECT mark FROM installation"
MOVING = b"moving "
"""What the mark begins with while the database is filled from elsewhere; the origin follows."""
_CLAIM = "INSERT INTO installation SELECT $1 WHERE NOT EXISTS (SELECT FROM installation)"
_DONE = """CREATE TABLE IF NOT EXISTS migration (
  number integer PRIMARY KEY,
  name text NOT NULL,
  applied timestamptz NOT NULL DEFAULT now()
)"""


async def migrate(connection: Connection, upto: int | None = None) -> None:
    """Apply what is missing of `storage/sql/postgres/NNNN_*.sql`, in the connection's schema,
    which is made where it is named (`search_path`) and missing. `upto`: no newer ones."""
    steps = _steps()[:upto]
    if await _is_new(connection, len(steps)):
        return
    await connection.execute("SELECT pg_advisory_lock($1::bigint)", _LOCK)
    try:
        await _make_schema(connection)
        await connection.execute(_DONE)
        done = {row[0] for row in await connection.fetch("SELECT number FROM migration")}
        if done and max(done) > len(steps):
            raise Fault("The database was written by a newer Careplane: update this one")
        for number, (name, script) in enumerate(steps, 1):
            if number not in done:
                await _apply(connection, number, name, script, last=number == len(steps))
    finally:
        if not connection.is_closed():
            await connection.execute("SELECT pg_advisory_unlock($1::bigint)", _LOCK)


async def schema_number(connection: Connection) -> int:
    """The number of the newest step that was applied; NotFound where none was."""
    if await connection.fetchval("SELECT to_regclass('migration')") is None:
        raise NotFound("The database holds no records.")
    return int(await connection.fetchval("SELECT max(number) FROM migration"))


async def claim(connection: Connection, mark: bytes) -> None:
    """Leave the mark of the installation's key, or find the same one; Fault for another."""
    if await found_mark(connection) is None:
        async with connection.transaction():
            await connection.execute("LOCK TABLE installation")
            await connection.execute(_CLAIM, mark)
    await require_mark(connection, mark)


async def found_mark(connection: Connection) -> bytes | None:
    """The mark, or None where nobody has left one."""
    found: bytes | None = await connection.fetchval(_MARK)
    return found


async def require_mark(connection: Connection, mark: bytes) -> None:
    """Raises Fault for the mark of another key, or while the database is only half there."""
    if await require_whole(connection) != mark:
        raise Fault("The key does not fit this database: use the key file that was made with it")


async def require_whole(connection: Connection) -> bytes | None:
    """The mark. Raises Fault while a move into the database is not at its end."""
    found = await found_mark(connection)
    if found is not None and found.startswith(MOVING):
        raise Fault("A move into this database is not at its end: run the same command again")
    return found


async def require_newest(connection: Connection) -> None:
    """Raises Fault where the schema is not that of this version."""
    if not await _is_new(connection, len(_steps())):
        raise Fault(
            "The database was written by another version of Careplane: open it once with this one "
            "(careplane doctor)"
        )


async def _is_new(connection: Connection, steps: int) -> bool:
    if await connection.fetchval("SELECT to_regclass('migration')") is None:
        return False
    return bool(await connection.fetchval("SELECT max(number) FROM migration") == steps)


async def _make_schema(connection: Connection) -> None:
    if await connection.fetchval("SELECT current_schema()") is None:
        path: str = await connection.fetchval("SHOW search_path")
        name = path.split(",")[0].strip().strip('"').replace('"', '""')
        await connection.execute(f'CREATE SCHEMA IF NOT EXISTS "{name}"')


async def _apply(
    connection: Connection, number: int, name: str, script: str, *, last: bool
) -> None:
    """With the last one, every table has its policies: whoever finds that record finds them too."""
    if last:
        await raise_wall(connection)  # one table at a time, beside processes of the version before
    async with connection.transaction():
        await connection.execute(script)
        if last:
            await raise_wall(connection)
        await connection.execute(
            "INSERT INTO migration (number, name) VALUES ($1, $2)", number, name
        )


def _steps() -> list[tuple[str, str]]:
    folder = files("careplane.storage") / "sql" / "postgres"
    found = sorted((f for f in folder.iterdir() if f.name.endswith(".sql")), key=lambda f: f.name)
    return [(file.name, file.read_text()) for file in found]
