"""What `careplane doctor` looks at: a table of checks, each a function that says what it found."""

from __future__ import annotations

import asyncio
import os
import shutil
import socket
import sys
from collections.abc import Callable
from typing import Literal, NamedTuple

from careplane.app import keys
from careplane.app.settings import Settings
from careplane.kernel.errors import CareplaneError

_ROOM = 2_000_000_000
_GROUP_OR_OTHERS = 0o077


class Finding(NamedTuple):
    """One thing looked at. `mend` says what to do, empty where nothing is to do."""

    name: str
    state: Literal["good", "warning", "bad"]
    text: str
    mend: str = ""


Check = Callable[[Settings], Finding]


def run(settings: Settings) -> list[Finding]:
    """Every check, in order; one that breaks is itself a finding."""
    return [_looked(name, check, settings) for name, check in CHECKS.items()]


def _looked(name: str, check: Check, settings: Settings) -> Finding:
    try:
        return check(settings)._replace(name=name)
    except CareplaneError as error:
        return Finding(name, "bad", error.text)
    except OSError as error:
        return Finding(name, "bad", error.strerror or "failed", "Check the folder and its owner.")


def _python(settings: Settings) -> Finding:
    return Finding("", "good", sys.version.split()[0])


def _sqlite(settings: Settings) -> Finding:
    from sqlcipher3 import dbapi2

    version: tuple[int, ...] = dbapi2.sqlite_version_info
    if version < (3, 51, 3):
        return Finding(
            "",
            "bad",
            f"SQLite {dbapi2.sqlite_version} can corrupt a write-ahead log when it is reset",
            "pip install 'sqlcipher3>=0.6.4' and remove sqlcipher3-wheels",
        )
    return Finding("", "good", f"SQLite {dbapi2.sqlite_version} with encryption")


def _key(settings: Settings) -> Finding:
    keys.load(settings.data)
    path = settings.data / keys.NAME
    mode = os.stat(path).st_mode
    if mode & _GROUP_OR_OTHERS:
        return Finding("", "bad", f"{path} can be read by others", f"chmod 600 {path}")
    return Finding("", "good", f"{path} is private")


def _space(settings: Settings) -> Finding:
    folder = settings.data if settings.data.exists() else settings.data.absolute().parent
    free = shutil.disk_usage(folder).free
    text = f"{free / 1e9:.1f} GB free"
    if free < _ROOM:
        return Finding("", "warning", text, "Make room: writes are refused when the disk is full.")
    return Finding("", "good", text)


def _port(settings: Settings) -> Finding:
    with socket.socket() as probe:
        taken = probe.connect_ex((settings.host, settings.port)) == 0
    where = f"{settings.host}:{settings.port}"
    if taken:
        return Finding("", "warning", f"{where} is in use", "Right if Careplane runs; else --port.")
    return Finding("", "good", f"{where} is free")


def _pages(settings: Settings) -> Finding:
    from careplane.web import assets

    absent = assets.missing()
    if absent:
        return Finding(
            "",
            "warning",
            f"{', '.join(absent)} missing; pages work without, less smoothly",
            "Install again with npm's registry in reach: make clean && make demo",
        )
    return Finding("", "good", "browser files are in place")


def _records(settings: Settings) -> Finding:
    from careplane.app.build import build

    async def look() -> list[str]:
        here = build(settings)
        try:
            return await here.store.check()
        finally:
            await here.close()

    damage = asyncio.run(look())
    if damage:
        mend = "Stop the server, keep a copy of the folder, and restore the last backup."
        if settings.database:
            mend = "Look at the database, its address and its user's rights."
        return Finding("", "bad", "; ".join(damage[:5]), mend)
    return Finding("", "good", "no damage found")


def _wall(settings: Settings) -> Finding:
    from careplane.app import engines

    if not engines.is_shared(settings):
        return Finding("", "good", "one file for all tenants; each statement names its own")
    missing = asyncio.run(engines.standing_wall(settings))
    if missing:
        return Finding("", "warning", missing, "careplane tenant wall; see docs/tenants.md.")
    return Finding("", "good", "row-level security is in force")


CHECKS: dict[str, Check] = {
    "python": _python,
    "sqlite": _sqlite,
    "key": _key,
    "disk": _space,
    "port": _port,
    "pages": _pages,
    "records": _records,
    "wall": _wall,
}
