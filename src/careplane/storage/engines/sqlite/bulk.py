"""Many rows in few statements.

SQLite gives Python's lock away at every step, and getting it back from a busy event loop takes up
to a switch interval. A statement of many rows is one step.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from itertools import chain
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from sqlite3 import Connection

Row = Sequence[Any]  # what SQLite binds: the border to it
R = TypeVar("R", bound=Row)
_SIZES = (256, 64, 16, 4, 1)
_FILLED = (1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 128, 192, 256)


def execute_many(connection: Connection, head: str, rows: Sequence[R], tail: str = "") -> None:
    """`head VALUES (...), (...) tail`, for all rows, each as wide as the first."""
    for sql, some in _batches(head, rows, tail):
        connection.execute(sql, tuple(chain.from_iterable(some)))


def add_all(connection: Connection, table: str, rows: Sequence[R]) -> None:
    """Rows of a table that is all key, in as few statements as can be: a batch is filled up to the
    next size with its last row, which is there by then."""
    at, end = 0, len(rows)
    head = f"INSERT OR IGNORE INTO {table}"
    while at < end:
        some = rows[at : at + _FILLED[-1]]
        at += len(some)
        size = _FILLED[bisect_left(_FILLED, len(some))]
        filled = [*some, *[some[-1]] * (size - len(some))]
        sql = _statement(head, len(rows[0]), size, "")
        connection.execute(sql, tuple(chain.from_iterable(filled)))


def query_many(connection: Connection, head: str, rows: Sequence[R], tail: str) -> Iterable[Row]:
    """The same for a query over given rows; results come in batches, each in its own order."""
    for sql, some in _batches(head, rows, tail):
        yield from connection.execute(sql, tuple(chain.from_iterable(some)))


def _batches(head: str, rows: Sequence[R], tail: str) -> Iterator[tuple[str, Sequence[R]]]:
    at, end = 0, len(rows)
    for size in _SIZES:
        while end - at >= size:
            yield _statement(head, len(rows[0]), size, tail), rows[at : at + size]
            at += size


@lru_cache(maxsize=512)
def _statement(head: str, width: int, count: int, tail: str) -> str:
    row = "(" + ",".join("?" * width) + ")"
    return f"{head} VALUES {','.join([row] * count)} {tail}"
