"""Many rows in few statements.

SQLite gives Python's lock away at every step, and getting it back from a busy event loop takes up
to a switch interval. A statement of many rows is one step.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from itertools import chain
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from sqlite3 import Connection

Row = Sequence[Any]  # what SQLite binds: the border to it
R = TypeVar("R", bound=Row)
_SIZES = (256, 32, 8, 1)


def execute_many(connection: Connection, head: str, rows: Sequence[R], tail: str = "") -> None:
    """`head VALUES (...), (...) tail`, for all rows, each as wide as the first."""
    for sql, some in _batches(head, rows, tail):
        connection.execute(sql, tuple(chain.from_iterable(some)))


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


@lru_cache(maxsize=256)
def _statement(head: str, width: int, count: int, tail: str) -> str:
    row = "(" + ",".join("?" * width) + ")"
    return f"{head} VALUES {','.join([row] * count)} {tail}"
