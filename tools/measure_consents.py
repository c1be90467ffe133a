"""What Consents cost: reads and searches over a store with none, and with many patients denying.

    python -m tools.measure_consents [PATIENTS [EACH [ENGINE]]]

By default of 10,000 with ten Observations each, over SQLite; or over `postgres`, of the server that
the tests use. Through the door, one process; times are medians in milliseconds.
"""

from __future__ import annotations

import asyncio
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

from careplane.access.caller import Caller
from careplane.access.consent.book import Books
from careplane.access.scopes import parse_scopes
from careplane.kernel.clock import system_clock
from careplane.records import commands as c
from careplane.records.door import Door
from tests.consent_house import actor, consent
from tests.contracts.engines import ENGINES, Store
from tests.fhir_house import TENANT, bundle, entry, observation, open_house, patient
from tests.policy_house import Record

_STEP = 100
_ROUNDS = 200
ALL = Caller(TENANT, "client/all", "All", parse_scopes("system/*.cruds"))
DOCTOR = Caller(TENANT, "Practitioner/d", "D", parse_scopes("user/*.rs"))


async def main(patients: int, each: int, engine: str) -> None:
    """Measure, and print a table."""
    with tempfile.TemporaryDirectory() as folder:
        store = ENGINES[engine](Path(folder), system_clock)
        async with open_house(store) as house:
            await _fill(house.door, patients, each)
            await _rows("no Consent", house.door)
            denial: Record = {"type": "deny", "actor": [actor("Practitioner/other")]}
            await _consents(house.door, patients, denial)
            await _rows("denied to another", house.door)
            denial = {"type": "deny", "actor": [actor("Practitioner/d")]}
            await _consents(house.door, patients, denial, spare=5)
            await _first(house.door, "all are read anew")
            await _start(house.store)
            await house.put(consent("c9", "p9", denial, language="de"))
            await _first(house.door, "one is read anew")
            await _rows("denied to the one who asks", house.door)
        await store.close()


async def _fill(door: Door, patients: int, each: int) -> None:
    for at in range(0, patients, _STEP):
        entries = []
        for n in range(at, min(at + _STEP, patients)):
            entries.append(entry("PUT", f"Patient/p{n}", patient(f"p{n}")))
            entries += [
                entry("PUT", f"Observation/p{n}-{m}", observation(f"p{n}-{m}", f"p{n}"))
                for m in range(each)
            ]
        await door.process(ALL, c.Process(bundle("transaction", *entries)))


async def _consents(door: Door, patients: int, provision: Record, spare: int = 0) -> None:
    """Of all but the first few, who shall be found."""
    for at in range(spare, patients, _STEP):
        some = range(at, min(at + _STEP, patients))
        made = [(f"c{n}", consent(f"c{n}", f"p{n}", provision)) for n in some]
        entries = [entry("PUT", f"Consent/{id}", one) for id, one in made]
        await door.process(ALL, c.Process(bundle("transaction", *entries)))


async def _first(door: Door, what: str) -> None:
    started = time.perf_counter()
    await door.read(DOCTOR, c.Read("Patient", "p1"))
    _say(what, "the first read after", [time.perf_counter() - started])


async def _start(store: Store) -> None:
    """What a process reads before its first answer."""
    took = []
    for _ in range(5):
        books = Books(store, system_clock)
        started = time.process_time()
        await books.fresh(TENANT)
        took.append(time.process_time() - started)
    _say("a process that starts", "all Consents read, time of the processor", took)


async def _rows(what: str, door: Door) -> None:
    search = (("patient", "Patient/p1"), ("_count", "50"))
    coded = (("code", "http://loinc.org|8302-2"), ("_count", "20"))
    whole = (("code", "http://loinc.org|8302-2"), ("_summary", "count"))
    await _timed(what, "read", lambda: door.read(DOCTOR, c.Read("Observation", "p1-0")))
    await _timed(
        what, "search of one patient", lambda: door.search(DOCTOR, c.Search("Observation", search))
    )
    await _timed(
        what,
        "search of all patients",
        lambda: door.search(DOCTOR, c.Search("Observation", coded)),
        20,
    )
    await _timed(
        what,
        "count over all patients",
        lambda: door.search(DOCTOR, c.Search("Observation", whole)),
        3,
    )


async def _timed(
    what: str, name: str, call: Callable[[], Awaitable[object]], rounds: int = _ROUNDS
) -> None:
    await call()
    took = []
    for _ in range(rounds):
        started = time.perf_counter()
        await call()
        took.append(time.perf_counter() - started)
    _say(what, name, took)


def _say(what: str, name: str, took: list[float]) -> None:
    print(json.dumps({"store": what, "call": name, "ms": round(statistics.median(took) * 1e3, 3)}))


if __name__ == "__main__":
    patients, each, engine = (*sys.argv[1:], *("10000", "10", "sqlite")[len(sys.argv) - 1 :])
    asyncio.run(main(int(patients), int(each), engine))
