"""Row-level security: a second wall between tenants, which holds where a query forgets the first.

Every statement of a request names its tenant. Besides, the connections of requests drop to a role
that owns nothing, and every table with a `tenant` shows that role the rows of the tenant that the
session was given (`sessions`), and no other: without one, nothing. The owner, who migrates, copies
and moves, sees all (decision 0053).

An index is of use to a condition only if that may be tried before the wall's own, so a function
that it is made of must be known to leak nothing. Three that we search by are, and PostgreSQL does
not know it: a superuser must tell it, once in a database. Without that, or without the role, the
wall stays down, and the server says so.
"""

from __future__ import annotations

from contextlib import suppress

import asyncpg

from careplane.storage.engines.postgres.sessions import TENANT, Connection

ROLE = "careplane_rows"
_LOCK = 7_203_120
_LEAKPROOF = (
    "pg_catalog.arrayoverlap(anyarray, anyarray)",
    "pg_catalog.arraycontains(anyarray, anyarray)",
    "pg_catalog.left(text, integer)",
    "pg_catalog.ts_match_vq(tsvector, tsquery)",
)
_MINE = f"tenant = nullif(current_setting('{TENANT}', true), '')::integer"
_TABLES = """SELECT c.relname AS name, pg_get_userbyid(c.relowner) AS owner,
  EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attname = 'tenant'
    AND NOT a.attisdropped) AS walled,
  c.relrowsecurity AND c.relforcerowsecurity AS up,
  EXISTS (SELECT FROM pg_policy p WHERE p.polrelid = c.oid AND p.polname = 'of_tenant') AS has
FROM pg_class c WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind IN ('r', 'p')
  AND NOT c.relispartition ORDER BY c.relname"""
_I_AM = """SELECT rolsuper AS super, rolsuper OR rolcreaterole AS makes,
  to_regrole($1) IS NOT NULL AS there FROM pg_roles WHERE rolname = current_user"""
_IS_LEAKPROOF = "SELECT bool_and(proleakproof) FROM pg_proc WHERE oid = ANY($1::regprocedure[])"
_READ_ONLY = ("installation", "migration")


async def raise_wall(connection: Connection) -> None:
    """As the owner: policies for every table, and as far as this user may, the role and what it is
    granted. Done again, it changes nothing. Outside of a transaction, it waits for one table at a
    time, so that it is never in a deadlock with those who work."""
    if connection.is_in_transaction():
        await connection.execute("SELECT pg_advisory_xact_lock($1::bigint)", _LOCK)
        await _raise(connection)
        return
    await connection.execute("SELECT pg_advisory_lock($1::bigint)", _LOCK)
    try:
        await _raise(connection)
    finally:
        if not connection.is_closed():
            await connection.execute("SELECT pg_advisory_unlock($1::bigint)", _LOCK)


async def _raise(connection: Connection) -> None:
    me = await connection.fetchrow(_I_AM, ROLE)
    assert me is not None
    if me["super"] and not await connection.fetchval(_IS_LEAKPROOF, list(_LEAKPROOF)):
        for function in _LEAKPROOF:
            await connection.execute(f"ALTER FUNCTION {function} LEAKPROOF")
    if me["makes"] and not me["there"]:
        await _make_role(connection)
    tables = await connection.fetch(_TABLES)
    for table in tables:
        if table["walled"] and not (table["up"] and table["has"]):
            async with connection.transaction():
                await _wall(connection, table["name"], table["owner"], has=table["has"])
    if me["makes"]:
        for owner in {table["owner"] for table in tables}:
            await connection.execute(f"GRANT {ROLE} TO {_quoted(owner)}")
    if me["there"] or me["makes"]:
        await _grant(connection)


async def lift_wall(connection: Connection) -> None:
    """As the owner, and until `raise_wall`: whole tables can be filled, for which PostgreSQL has no
    policies. Within a transaction that keeps everybody else out."""
    for table in await connection.fetch(_TABLES):
        if table["walled"]:
            name = _quoted(table["name"])
            await connection.execute(f"ALTER TABLE {name} NO FORCE ROW LEVEL SECURITY")


async def enter(connection: Connection) -> str:
    """Drop to the role, for as long as the connection lives. What is in the way, '' for nothing."""
    reason = await in_the_way(connection)
    if not reason:
        await connection.execute(f"SET ROLE {ROLE}")
    return reason


async def in_the_way(connection: Connection) -> str:
    """Why the wall cannot stand on this connection, in words for its operator; '' if it can."""
    if not await connection.fetchval("SELECT to_regrole($1) IS NOT NULL", ROLE):
        return f"there is no role {ROLE}; a user with CREATEROLE makes it"
    if not await connection.fetchval("SELECT pg_has_role($1, 'MEMBER')", ROLE):
        return f"the database user is no member of {ROLE}; GRANT {ROLE} to it"
    if not await connection.fetchval(_IS_LEAKPROOF, list(_LEAKPROOF)):
        return "its functions are not marked; see docs/tenants.md"
    open = [t["name"] for t in await connection.fetch(_TABLES) if t["walled"] and not t["up"]]
    return f"these tables have no policy: {', '.join(open)}" if open else ""


async def _make_role(connection: Connection) -> None:
    """It is of all databases of a server: somebody at another one may be making it now."""
    with suppress(asyncpg.DuplicateObjectError, asyncpg.UniqueViolationError):
        async with connection.transaction():
            await connection.execute(f"CREATE ROLE {ROLE} NOLOGIN")


async def _wall(connection: Connection, name: str, owner: str, *, has: bool) -> None:
    table, role = _quoted(name), _quoted(owner)
    await connection.execute(
        f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY"
    )
    if not has:
        await connection.execute(f"CREATE POLICY of_tenant ON {table} USING ({_MINE})")
        await connection.execute(f"CREATE POLICY of_owner ON {table} TO {role} USING (true)")


async def _grant(connection: Connection) -> None:
    schema = str(await connection.fetchval("SELECT quote_ident(current_schema())"))
    all = f"IN SCHEMA {schema} TO {ROLE}"
    await connection.execute(f"GRANT USAGE ON SCHEMA {schema} TO {ROLE}")
    await connection.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES {all}")
    await connection.execute(f"GRANT USAGE, SELECT ON ALL SEQUENCES {all}")
    await connection.execute(f"GRANT EXECUTE ON ALL FUNCTIONS {all}")
    await connection.execute(
        f"REVOKE INSERT, UPDATE, DELETE ON {', '.join(_READ_ONLY)} FROM {ROLE}"
    )


def _quoted(name: str) -> str:
    return '"{}"'.format(name.replace('"', '""'))
