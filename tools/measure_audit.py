"""How long it takes to find who opened a record, in a trail of a million.

    python -m tools.measure_audit [--records 1000000] [--database postgresql://...]

Fills a trail with a made-up hospital's requests (5 in 6 reads, 20,000 patients, 500 people), brings
the index to its end, and asks: by patient, by agent, by resource, by patient and agent, by token.
What is printed are milliseconds, the median and the slowest of 200 questions of each kind; and what
the index costs: microseconds a record to file, bytes a record in the file."""

from __future__ import annotations

import argparse
import asyncio
import random
import statistics
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from careplane.kernel.clock import system_clock
from careplane.ledger.audit import AuditRecord, Outcome, encode
from careplane.ledger.trail import Kind, Question, Term, Trail, term
from careplane.storage.engines import postgres, sqlite
from careplane.storage.ports.engine import Engine
from careplane.storage.ports.records import Tenant

T = Tenant(1)
PATIENTS, PEOPLE, ASKED, AT_ONCE = 20_000, 500, 200, 1_000
START = 1_760_000_000_000_000


def record(n: int, chance: random.Random) -> AuditRecord:
    """The n-th request."""
    patient = f"p{chance.randrange(PATIENTS)}"
    searched = chance.random() < 1 / 6
    count = chance.randint(1, 20) if searched else 1
    return AuditRecord(
        recorded=START + n * 30_000_000, tenant=1,
        agent=f"Practitioner/{chance.randrange(PEOPLE)}",
        interaction="search-type" if searched else "read", outcome=Outcome.SUCCESS,
        versions=tuple(("Observation", f"o{chance.randrange(10**6)}", 1) for _ in range(count)),
        patients=(patient,), query=f"Observation?patient={patient}" if searched else "",
        address="10.0.0.1", token=f"{chance.randrange(10**5):013d}", roles="nurse",
    )  # fmt: skip


def questions(chance: random.Random) -> Iterator[tuple[str, Question]]:
    """Each kind, as often as it is asked."""

    def one(kind: Kind, text: str) -> frozenset[Term]:
        return frozenset({term(kind, text)})

    for _ in range(ASKED):
        patient = one(Kind.PATIENT, f"p{chance.randrange(PATIENTS)}")
        agent = one(Kind.AGENT, f"Practitioner/{chance.randrange(PEOPLE)}")
        resource = one(Kind.RESOURCE, f"Observation/o{chance.randrange(10**6)}")
        token = one(Kind.TOKEN, f"{chance.randrange(10**5):013d}")
        yield "patient", Question((patient,), count=50)
        yield "agent", Question((agent,), count=50)
        yield "resource", Question((resource,), count=50)
        yield "patient and agent", Question((patient, agent), count=50)
        yield "token", Question((token,), count=50)


async def measure(store: Engine, records: int) -> None:
    """Fill, file, ask, print."""
    chance = random.Random(7)
    for first in range(0, records, AT_ONCE):
        some = (record(n, chance) for n in range(first, min(first + AT_ONCE, records)))
        await asyncio.gather(*(store.append(T, encode(one)) for one in some))
    trail = Trail(store)
    began = time.perf_counter()
    while await trail.file(5_000):
        pass
    print(f"{(time.perf_counter() - began) / records * 1e6:.1f} us a record to file")
    taken: dict[str, list[float]] = {}
    for kind, question in questions(chance):
        began = time.perf_counter()
        await trail.find(T, question)
        taken.setdefault(kind, []).append((time.perf_counter() - began) * 1000)
    for kind, times in taken.items():
        print(f"{kind:18} {statistics.median(times):6.2f} ms, {max(times):6.2f} ms the slowest")


async def main() -> None:
    """Over a new data folder, or over a database that nobody uses."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--records", type=int, default=1_000_000)
    parser.add_argument("--database", default="")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        key = bytes(range(32))
        store: Engine = (
            postgres.open(asked.database, key, system_clock, postgres.Limits())
            if asked.database
            else sqlite.open(Path(folder), key, system_clock, sqlite.Limits())
        )
        await measure(store, asked.records)
        await store.close()
        size = sum(path.stat().st_size for path in Path(folder).glob("audit.sqlite*"))
        if size:
            print(f"{size / asked.records:.0f} bytes a record, index included")


if __name__ == "__main__":
    asyncio.run(main())
