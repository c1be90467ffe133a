"""A process to be killed: 32 writers that tell on standard output what was acknowledged.

Each unit of a writer writes two new resources and its counter, whose body is the unit's number;
`w <writer> <number>` says that the unit was acknowledged, `a <writer> <number>` its audit record.
"""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path
from typing import Any, cast

from careplane.kernel.clock import system_clock
from careplane.search.rows import Param, ReferenceRow, Rows, TokenRow
from careplane.storage.engines import sqlite
from careplane.storage.ports.records import Put, Tenant, Unit

KEY = bytes(range(32))
TENANT = Tenant(0)
WRITERS = 32
CODE = Param("Observation.code")
SUBJECT = Param("Observation.subject")


def counter(writer: int) -> str:
    return f"counter-{writer}"


def parts(writer: int, number: int) -> list[str]:
    return [f"{writer}-{number}-{half}" for half in "ab"]


def _unit(writer: int, number: int) -> Unit:
    code = TokenRow(CODE, "http://loinc.org", f"w{writer}")
    rows = Rows(tokens=[code], references=[ReferenceRow(SUBJECT, "Patient", counter(writer))])
    body = str(number).encode()
    puts = [
        Put("Observation", id, "POST", body * 100, rows, 0, Rows()) for id in parts(writer, number)
    ]
    puts.append(Put("Patient", counter(writer), "PUT", body, Rows(), number - 1, Rows()))
    return Unit(tuple(puts), audit=f"unit {writer} {number}".encode())


async def _write(store: sqlite.SqliteStore, writer: int) -> None:
    last = await store.read(TENANT, "Patient", counter(writer))
    number = last.version if last else 0
    while True:
        number += 1
        await store.commit(TENANT, _unit(writer, number))
        os.write(1, f"w {writer} {number}\n".encode())
        await store.append(TENANT, f"read {writer} {number}".encode())
        os.write(1, f"a {writer} {number}\n".encode())


async def _run(folder: Path, limits: sqlite.Limits) -> None:
    store = sqlite.open(folder, KEY, system_clock, limits)
    await asyncio.gather(*[_write(store, writer) for writer in range(WRITERS)])


if __name__ == "__main__":
    asyncio.run(_run(Path(sys.argv[1]), sqlite.Limits(writer=cast(Any, sys.argv[2]))))
