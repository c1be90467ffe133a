"""What PostgreSQL and the way to it complain of, in the words of `kernel.errors`."""

from __future__ import annotations

import asyncpg

from careplane.kernel.errors import Busy, CareplaneError, Fault, Full

_UNREACHABLE = "The database cannot be reached now: try again"
_BY_CLASS: tuple[tuple[type[BaseException], type[CareplaneError], str], ...] = (
    (asyncpg.QueryCanceledError, Busy, "This search takes too long: narrow it"),
    (asyncpg.LockNotAvailableError, Busy, "Others are writing to the database: try again"),
    (asyncpg.TransactionRollbackError, Busy, "Others are writing to the database: try again"),
    (asyncpg.TooManyConnectionsError, Busy, "The database has no free connection: try again"),
    (asyncpg.DiskFullError, Full, "The database's disk is full: free some space and try again"),
    (asyncpg.InsufficientResourcesError, Busy, "The database has no room for this: try again"),
    (asyncpg.OperatorInterventionError, Busy, _UNREACHABLE),
    (asyncpg.PostgresConnectionError, Busy, _UNREACHABLE),
    (asyncpg.ReadOnlySQLTransactionError, Busy, "The database takes no changes now: try again"),
    (asyncpg.ProgramLimitExceededError, Busy, "This request is too large for the database"),
    (
        asyncpg.InvalidAuthorizationSpecificationError,
        Fault,
        "The database refuses this user or password: look at --database",
    ),
    (asyncpg.InvalidCatalogNameError, Fault, "There is no such database: create it"),
    (
        asyncpg.InsufficientPrivilegeError,
        Fault,
        "The database user may not do this: make it the owner of the database",
    ),
    (TimeoutError, Busy, _UNREACHABLE),
    (OSError, Busy, _UNREACHABLE),
)

DRIVER_ERRORS = (asyncpg.PostgresError, asyncpg.InterfaceError, OSError, TimeoutError)
"""Everything that the driver raises of its own."""


def translated(error: BaseException, *, lost: bool = False) -> CareplaneError:
    """The error to raise instead. `lost`: the connection has gone."""
    if isinstance(error, CareplaneError):
        return error
    for kind, ours, text in _BY_CLASS:
        if isinstance(error, kind):
            return ours(text)
    return Busy(_UNREACHABLE) if lost else Fault("The record store failed")
