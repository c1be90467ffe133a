"""The engines by name: the only place that knows a concrete one."""

from __future__ import annotations

from careplane.app.keys import Keys
from careplane.app.settings import Settings
from careplane.kernel.clock import Clock
from careplane.kernel.errors import Incorrect
from careplane.storage.ports.backup import Vault
from careplane.storage.ports.engine import Engine
from careplane.storage.ports.ledger import LedgerStore
from careplane.storage.ports.moving import Source, Target
from careplane.storage.ports.packages import PackageStore
from careplane.storage.ports.state import StateStore
from careplane.storage.ports.terminology import TerminologyStore

_POSTGRES = ("postgresql://", "postgres://")


def records(
    settings: Settings,
    keys: Keys,
    clock: Clock,
    *,
    for_long: bool = False,
    forgiving: bool = False,
) -> Engine:
    """The store that the settings name. `for_long`: for a server or an import, which are worth a
    second process where the store is embedded; not for one command. `forgiving`: to apply erasures
    again."""
    if is_shared(settings):
        from careplane.storage.engines import postgres

        limits = postgres.Limits(
            audit_sync="on" if settings.audit_sync == "disk" else "off",
            folder=settings.data,
            forgiving=forgiving,
        )
        return postgres.open(settings.database, keys.derive("store"), clock, limits)
    from careplane.storage.engines import sqlite

    embedded = sqlite.Limits(
        audit_sync="FULL" if settings.audit_sync == "disk" else "NORMAL",
        writer="process" if for_long else "thread",
        reserve_bytes=settings.reserve_bytes if for_long else 0,
        forgiving=forgiving,
    )
    return sqlite.open(settings.data, keys.derive("store"), clock, embedded)


def vault(settings: Settings, keys: Keys) -> Vault:
    """Who copies what the settings name."""
    if is_shared(settings):
        from careplane.storage.engines import postgres

        return postgres.PostgresVault(settings.database, keys.derive("backup-files"))
    from careplane.storage.engines import sqlite

    return sqlite.SqliteVault(settings.data, keys.derive("store"))


def state(settings: Settings, keys: Keys) -> StateStore:
    """What services remember, beside the records."""
    if is_shared(settings):
        from careplane.storage.engines import postgres

        return postgres.open_state(settings.database)
    from careplane.storage.engines import sqlite

    return sqlite.open_state(settings.data, keys.derive("store"))


def ledger(settings: Settings, keys: Keys, *, half: bool = False) -> LedgerStore:
    """The ledger's log, beside the records. `half`: during a move, while the rest is not there."""
    if is_shared(settings):
        from careplane.storage.engines import postgres

        return postgres.open_ledger(settings.database, half=half)
    from careplane.storage.engines import sqlite

    return sqlite.open_ledger(settings.data, keys.derive("store"), half=half)


def packages(settings: Settings, keys: Keys, *, half: bool = False) -> PackageStore:
    """Packages of definitions, beside the records. `half`: during a move."""
    if is_shared(settings):
        from careplane.storage.engines import postgres

        return postgres.open_packages(settings.database, half=half)
    from careplane.storage.engines import sqlite

    return sqlite.open_packages(settings.data, keys.derive("store"), half=half)


def terminology(settings: Settings, keys: Keys, *, half: bool = False) -> TerminologyStore:
    """Large code systems, beside the records. `half`: during a move."""
    if is_shared(settings):
        from careplane.storage.engines import postgres

        return postgres.open_terminology(settings.database, half=half)
    from careplane.storage.engines import sqlite

    return sqlite.open_terminology(settings.data, keys.derive("store"), half=half)


async def source(settings: Settings, keys: Keys) -> Source:
    """All of the store that the settings name, to be read while nobody writes to it."""
    if is_shared(settings):
        from careplane.storage.engines import postgres

        return await postgres.open_source(settings.database, keys.derive("store"), settings.data)
    from careplane.storage.engines import sqlite

    return sqlite.SqliteSource(settings.data, keys.derive("store"))


async def target(settings: Settings, keys: Keys) -> Target:
    """The store that the settings name, to be filled from another one."""
    if is_shared(settings):
        from careplane.storage.engines import postgres

        return await postgres.open_target(settings.database, keys.derive("store"))
    from careplane.storage.engines import sqlite

    return sqlite.SqliteTarget(settings.data, keys.derive("store"))


async def raised_wall(settings: Settings, admin: str) -> str:
    """Raise the wall between the tenants of a database, with the rights of `admin` besides; what is
    in its way, '' for nothing. Raises Incorrect where the records are in the data folder."""
    if not is_shared(settings):
        raise Incorrect("Row-level security is PostgreSQL's; the records are in the data folder.")
    from careplane.storage.engines import postgres

    return await postgres.raised_wall(settings.database, admin)


async def standing_wall(settings: Settings) -> str:
    """What is in the way of the wall between the tenants of a database; '' for nothing."""
    from careplane.storage.engines import postgres

    return await postgres.standing_wall(settings.database)


def is_shared(settings: Settings) -> bool:
    """Whether the records are in a database, not in the data folder. Raises Incorrect for an
    address of another kind; its text never has the address, which may hold a password."""
    if not settings.database:
        return False
    if not settings.database.startswith(_POSTGRES):
        raise Incorrect("--database takes an address such as postgresql://user@host/name.")
    return True
