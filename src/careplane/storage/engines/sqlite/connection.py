"""Opening an encrypted file: SQLCipher with a raw key, WAL, and the page size of the whole house.

Settings were measured by `tools/measure_store.py`; see docs/store.md.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from sqlcipher3 import dbapi2

from careplane.kernel.errors import Incorrect
from careplane.storage.engines.sqlite.faults import complaints

if TYPE_CHECKING:
    from sqlite3 import Connection  # the same interface; the standard library's SQLite is too old

KEY_BYTES = 32
BUSY_MILLISECONDS = 10_000
STATEMENTS = 512


def connect(
    path: Path,
    key: bytes,
    *,
    sync: Literal["FULL", "NORMAL"] = "FULL",
    cache_kib: int = 16_384,
    read_only: bool = False,
) -> Connection:
    """A connection for one thread at a time, in autocommit: transactions are begun by hand."""
    with complaints():
        connection: Connection = dbapi2.connect(
            str(path), isolation_level=None, check_same_thread=False, cached_statements=STATEMENTS
        )
        connection.execute("PRAGMA cipher_log_level = NONE")  # it speaks to us in errors
        connection.execute(f"PRAGMA key = \"x'{key.hex()}'\"")
        connection.execute("PRAGMA cipher_hmac_algorithm = HMAC_SHA256")
        connection.execute(f"PRAGMA busy_timeout = {BUSY_MILLISECONDS}")
        connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()  # is the key right?
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute(f"PRAGMA synchronous = {sync}")
        connection.execute(f"PRAGMA cache_size = -{cache_kib}")
        connection.execute(f"PRAGMA query_only = {int(read_only)}")
    return connection


def key_for(purpose: str, key: bytes) -> bytes:
    """A key of its own for each file, so that no two files share one."""
    if len(key) != KEY_BYTES:
        raise Incorrect(f"The key must have {KEY_BYTES} bytes: restore the key file")
    return hashlib.blake2b(purpose.encode(), key=key, digest_size=KEY_BYTES).digest()


def damages(path: Path, open: Callable[[Path], Connection]) -> list[str]:
    """Looks through a whole file; what is wrong with it, in words."""
    with complaints():
        connection = open(path)
    try:
        found = [
            row[0]
            for check in ("PRAGMA cipher_integrity_check", "PRAGMA quick_check")
            for row in connection.execute(check)
        ]
    except dbapi2.DatabaseError as error:
        found = [str(error)]
    finally:
        connection.close()
    return [f"{path.name}: {line}" for line in found if line != "ok"]
