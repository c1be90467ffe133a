"""Measure the ledger: durable appends on SQLite, receipts, a look through the whole log.

python -m tools.measure_ledger [--leaves 100000]
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
from careplane.ledger.formats import keys
from careplane.ledger.leaf import Kind, Sealed
from careplane.ledger.log import Identity, Log
from careplane.ledger.reading import Reading
from careplane.ledger.scrub import damages
from careplane.storage.engines import sqlite

ORIGIN = "hospital.example/log"
SECRET = bytes(32)


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
    asyncio.run(measure(parser.parse_args().leaves))
