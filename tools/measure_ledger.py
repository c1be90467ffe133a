"""Measure the ledger: durable appends on SQLite, receipts, a look through the whole log; how fast
it follows a store, how soon a version is signed while others are written, a comparison of both.

python -m tools.measure_ledger [--leaves 100000] [--rate 5000]
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import tempfile
import time
from pathlib import Path

from careplane.kernel.clock import system_clock
from careplane.ledger import leaf, verify
from careplane.ledger.anchor import AnchorFile
from careplane.ledger.comparing import compare
from careplane.ledger.following import Follower, Sources
from careplane.ledger.formats import checkpoint, keys, note
from careplane.ledger.leaf import Kind, Sealed
from careplane.ledger.log import SIGNED, Identity, Log
from careplane.ledger.reading import Reading
from careplane.ledger.scrub import damages
from careplane.ledger.tree import place_of
from careplane.search.rows import Rows
from careplane.storage.engines import sqlite
from careplane.storage.ports.ledger import LedgerStore
from careplane.storage.ports.records import Put, Tenant, Unit

ORIGIN = "hospital.example/log"
SECRET = bytes(32)
ONE = Tenant(1)
UNIT = 50
BODY = b'},"status":"final","code":{"text":"' + b"x" * 600 + b'"}}'


def sealed(count: int) -> list[Sealed]:
    """Leaves of versions."""
    values: dict[str, str | int] = {
        "tenant": 1, "type": "Observation", "id": "x", "version": 1, "recorded": 1, "sha256": "0",
    }  # fmt: skip
    return [leaf.seal(Kind.VERSION, values, SECRET) for _ in range(count)]


async def measure(count: int) -> None:
    """Print what was measured."""
    identity = Identity((keys.generate(ORIGIN, keys.Kind.ED25519),))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        store = sqlite.open_ledger(folder, SECRET)
        log = Log(store, AnchorFile(folder / "anchor"), identity, system_clock, witnessed=False)
        await log.open()
        began = time.perf_counter()
        leaves = sealed(count)
        print(f"sealed {count / (time.perf_counter() - began):,.0f} leaves/s")
        signing = asyncio.create_task(log.run())
        for batch in (1, 10, 100, 1000):
            await appended(log, leaves, batch)
        await together(log, leaves)
        signing.cancel()
        await asyncio.gather(signing, return_exceptions=True)
        began = time.perf_counter()
        await log.sign()
        print(f"a checkpoint of {log.size:,} leaves: {(time.perf_counter() - began) * 1e3:.1f} ms")
        await receipts(Reading(store, cosigned=False), identity, log.size)
        began = time.perf_counter()
        assert not await damages(store, [one.verifier for one in identity.signers])
        took = time.perf_counter() - began
        print(f"scrubbed {log.size:,} leaves: {log.size / took:,.0f}/s")
        size = sum(path.stat().st_size for path in folder.glob("ledger.sqlite*"))
        print(f"{size / log.size:.0f} bytes a leaf on the disk")
        await log.close()


class Watch:
    """Time by the clock, and of the processor: others may use the machine too."""

    def __init__(self) -> None:
        self._began, self._worked = time.perf_counter(), time.process_time()

    def rates(self, count: int) -> str:
        clock, worked = time.perf_counter() - self._began, time.process_time() - self._worked
        return f"{count / clock:,.0f}/s, {count / worked:,.0f} in a second of one core"


async def followed(count: int, rate: int) -> None:
    """A store of `count` versions gets its leaves; then `rate` writes a second come in."""
    identity = Identity((keys.generate(ORIGIN, keys.Kind.ED25519),))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        records = sqlite.open(folder, SECRET, system_clock)
        store = sqlite.open_ledger(folder, SECRET)
        await written(records, 0, count)
        log = Log(store, AnchorFile(folder / "anchor"), identity, system_clock, witnessed=False)
        await log.open()
        sources = Sources(records, records, lambda: [ONE], dict, SECRET, system_clock)
        follower = Follower(log, store, sources)
        watch = Watch()
        while await follower.versions():
            pass
        print(f"followed {count:,} versions: {watch.rates(count)}")
        running = [asyncio.create_task(one) for one in (log.run(every=0.4), follower.run())]
        await signed_in(records, store, count, rate)
        for one in running:
            one.cancel()
        await asyncio.gather(*running, return_exceptions=True)
        watch = Watch()
        found = await compare(store, sources)
        assert not found.problems, found.problems
        print(f"compared {found.versions:,} versions: {watch.rates(found.versions)}")
        await store.close()
        await records.close()


async def written(records: sqlite.SqliteStore, first: int, count: int) -> int:
    """The `t` of the last."""
    last = 0
    for at in range(first, first + count, UNIT):
        puts = tuple(
            Put("Observation", f"o{n}", "PUT", BODY, Rows(), 0, Rows())
            for n in range(at, min(at + UNIT, first + count))
        )
        last = (await records.commit(ONE, Unit(puts))).versions[-1].t
    return last


async def signed_in(
    records: sqlite.SqliteStore, store: LedgerStore, first: int, rate: int, seconds: int = 10
) -> None:
    """From the commit of a unit until a checkpoint covers its last version."""
    waits: list[float] = []
    watching: set[asyncio.Task[None]] = set()

    async def watch(t: int, began: float) -> None:
        while True:
            number = await place_of(store, ONE, t)
            data = await store.note(SIGNED)
            size = checkpoint.parse(note.parse(data).text).size if data else 0
            if number is not None and number < size:
                waits.append(time.perf_counter() - began)
                return
            await asyncio.sleep(0.02)

    started = time.perf_counter()
    for round in range(seconds * 10):
        last = await written(records, first, rate // 10)
        first += rate // 10
        watching.add(asyncio.create_task(watch(last, time.perf_counter())))
        await asyncio.sleep(max(0.0, started + (round + 1) / 10 - time.perf_counter()))
    made = rate * seconds / (time.perf_counter() - started)
    await asyncio.gather(*watching)
    waits.sort()
    print(
        f"at {made:,.0f} writes/s signed after {statistics.median(waits):.2f} s (median), "
        f"{waits[len(waits) * 95 // 100]:.2f} s (p95), {waits[-1]:.2f} s (worst)"
    )


async def appended(log: Log, leaves: list[Sealed], batch: int) -> None:
    """One caller, one batch after the other; each is on the disk before the next."""
    rounds = max(1, min(300, len(leaves) // batch))
    times = []
    for at in range(rounds):
        began = time.perf_counter()
        await log.append(leaves[at * batch : (at + 1) * batch])
        times.append(time.perf_counter() - began)
    rate = batch * rounds / sum(times)
    median = statistics.median(times) * 1e3
    print(f"appends of {batch}, one caller: {rate:,.0f} leaves/s, median {median:.2f} ms")


async def together(log: Log, leaves: list[Sealed]) -> None:
    """Many callers with one leaf each, as transactions commit."""
    callers = 256

    async def call(at: int) -> None:
        for one in leaves[at::callers]:
            await log.append([one])

    began = time.perf_counter()
    await asyncio.gather(*(call(at) for at in range(callers)))
    rate = len(leaves) / (time.perf_counter() - began)
    print(f"appends of 1, {callers} callers: {rate:,.0f} leaves/s")


async def receipts(reading: Reading, identity: Identity, size: int) -> None:
    """Made, and verified."""
    policy = verify.read_policy(f"log {identity.signers[0].verifier}\nquorum none\n".encode())
    made, checked, data = [], [], b""
    for number in range(0, size, max(1, size // 200)):
        began = time.perf_counter()
        data = bytes(await reading.receipt(number))
        middle = time.perf_counter()
        verify.verify_receipt(data, policy)
        made.append(middle - began)
        checked.append(time.perf_counter() - middle)
    print(f"a receipt made in {statistics.median(made) * 1e3:.2f} ms, {len(data)} bytes; "
          f"verified in {statistics.median(checked) * 1e3:.3f} ms")  # fmt: skip


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--leaves", type=int, default=100_000)
    parser.add_argument("--rate", type=int, default=5_000)
    asked = parser.parse_args()
    asyncio.run(measure(asked.leaves))
    asyncio.run(followed(asked.leaves, asked.rate))
