"""Measure the ledger: durable appends on SQLite, receipts, a look through the whole log; how fast
it follows a store, how soon a version is signed and cosigned by two of three witnesses (processes
of their own) while others are written, a comparison of both.

python -m tools.measure_ledger [--leaves 100000] [--rate 5000]
"""

from __future__ import annotations

import argparse
import asyncio
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import httpx

from careplane.kernel.clock import system_clock
from careplane.ledger import leaf, verify
from careplane.ledger.anchor import AnchorFile
from careplane.ledger.comparing import compare
from careplane.ledger.following import Follower, Sources
from careplane.ledger.formats import checkpoint, keys, note, policy
from careplane.ledger.leaf import Kind, Sealed
from careplane.ledger.log import COSIGNED, SIGNED, Identity, Log
from careplane.ledger.reading import Reading
from careplane.ledger.scrub import damages
from careplane.ledger.tree import place_of
from careplane.ledger.witness.asking import Witnesses
from careplane.search.rows import Rows
from careplane.storage.engines import sqlite
from careplane.storage.ports.ledger import LedgerStore
from careplane.storage.ports.records import Put, Tenant, Unit
from tools.bench.setups import Fact

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


async def measure(count: int) -> list[Fact]:
    """The log by itself."""
    identity = Identity((keys.generate(ORIGIN, keys.Kind.ED25519),))
    facts = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        store = sqlite.open_ledger(folder, SECRET)
        log = Log(store, AnchorFile(folder / "anchor"), identity, system_clock, witnessed=False)
        await log.open()
        leaves = sealed(count)
        signing = asyncio.create_task(log.run())
        facts += [await appended(log, leaves, batch) for batch in (1, 10, 100, 1000)]
        facts.append(await together(log, leaves))
        signing.cancel()
        await asyncio.gather(signing, return_exceptions=True)
        began = time.perf_counter()
        await log.sign()
        took = (time.perf_counter() - began) * 1e3
        facts.append(Fact(f"a checkpoint of {log.size:,} leaves", f"{took:.1f} ms", "-"))
        facts += await receipts(Reading(store, cosigned=False), identity, log.size)
        watch = Watch()
        assert not await damages(store, [one.verifier for one in identity.signers])
        facts.append(Fact(f"{log.size:,} leaves looked through", watch.rates(log.size), "-"))
        size = sum(path.stat().st_size for path in folder.glob("ledger.sqlite*"))
        facts.append(Fact("on disk", f"{size / log.size:.0f} bytes a leaf", "-"))
        await log.close()
    return facts


class Watch:
    """Time by the clock, and of the processor: others may use the machine too."""

    def __init__(self) -> None:
        self._began, self._worked = time.perf_counter(), time.process_time()

    def rates(self, count: int) -> str:
        clock, worked = time.perf_counter() - self._began, time.process_time() - self._worked
        return f"{count / clock:,.0f}/s, {count / worked:,.0f} in a second of a core"


async def followed(count: int, rate: int) -> list[Fact]:
    """A store of `count` versions gets its leaves; then `rate` writes a second come in."""
    identity = Identity((keys.generate(ORIGIN, keys.Kind.ED25519),))
    facts = []
    with tempfile.TemporaryDirectory() as name, ExitStack() as opened:
        folder = Path(name)
        records = sqlite.open(folder, SECRET, system_clock)
        store = sqlite.open_ledger(folder, SECRET)
        await written(records, 0, count)
        log = Log(store, AnchorFile(folder / "anchor"), identity, system_clock, witnessed=True)
        await log.open()
        sources = Sources(records, records, lambda: [ONE], dict, SECRET, system_clock)
        follower = Follower(log, store, sources)
        watch = Watch()
        while await follower.versions():
            pass
        facts.append(Fact(f"{count:,} versions followed", watch.rates(count), "-"))
        trusted = opened.enter_context(witnessed(folder, identity))
        async with httpx.AsyncClient() as http:
            services = (log.run(Witnesses(trusted, http)), follower.run())
            running = [asyncio.create_task(one) for one in services]
            facts += await signed_in(records, store, count, rate)
            for one in running:
                one.cancel()
            await asyncio.gather(*running, return_exceptions=True)
        while await follower.versions():
            pass
        watch = Watch()
        found = await compare(store, sources)
        assert not found.problems, found.problems
        name = f"{found.versions:,} versions compared with their leaves"
        facts.append(Fact(name, watch.rates(found.versions), "50,000/s a core"))
        await store.close()
        await records.close()
    return facts


@contextmanager
def witnessed(folder: Path, identity: Identity) -> Iterator[policy.Policy]:
    """Three witnesses that run, of whom two must cosign."""
    log = str(identity.signers[0].verifier)
    lines, processes = [f"log {log}"], []
    try:
        for at in range(3):
            with socket.create_server(("127.0.0.1", 0)) as free:
                port = free.getsockname()[1]
            state = str(folder / f"witness-{at}")
            words = [state, "--name", f"w{at}.example/w", "--log", log, "--port", str(port)]
            process = subprocess.Popen(
                [sys.executable, "-m", "careplane", "witness", *words],
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                text=True,
            )
            processes.append(process)
            assert process.stdout
            key = process.stdout.readline().strip()
            lines.append(f"witness w{at} {key} http://127.0.0.1:{port}")
            _listening(port)
        lines += ["group two 2 w0 w1 w2", "quorum two"]
        yield policy.parse("".join(f"{line}\n" for line in lines).encode())
    finally:
        for process in processes:
            process.terminate()
            process.wait(10)


def _listening(port: int) -> None:
    for _ in range(200):
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise SystemExit("A witness does not start.")


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
) -> list[Fact]:
    """From the commit of a unit until a checkpoint covers its last version."""
    waits: dict[str, list[float]] = {SIGNED: [], COSIGNED: []}
    watching: set[asyncio.Task[None]] = set()

    async def watch(t: int, began: float, note_of: str) -> None:
        while True:
            number = await place_of(store, ONE, t)
            data = await store.note(note_of)
            size = checkpoint.parse(note.parse(data).text).size if data else 0
            if number is not None and number < size:
                waits[note_of].append(time.perf_counter() - began)
                return
            await asyncio.sleep(0.02)

    started = time.perf_counter()
    for round in range(seconds * 10):
        last = await written(records, first, rate // 10)
        first += rate // 10
        now = time.perf_counter()
        watching |= {asyncio.create_task(watch(last, now, one)) for one in waits}
        await asyncio.sleep(max(0.0, started + (round + 1) / 10 - time.perf_counter()))
    made = rate * seconds / (time.perf_counter() - started)
    await asyncio.gather(*watching)
    targets = {SIGNED: "p95 1 s", COSIGNED: "p95 5 s"}
    return [
        Fact(
            f"a leaf {note_of}, at {made:,.0f} writes/s",
            f"median {statistics.median(some):.2f} s, p95 {_at(some, 95):.2f} s, "
            f"worst {max(some):.2f} s",
            targets[note_of],
        )
        for note_of, some in waits.items()
    ]


def _at(some: list[float], percent: int) -> float:
    return sorted(some)[len(some) * percent // 100]


async def appended(log: Log, leaves: list[Sealed], batch: int) -> Fact:
    """One caller, one batch after the other; each is on the disk before the next."""
    rounds = max(1, min(300, len(leaves) // batch))
    times = []
    for at in range(rounds):
        began = time.perf_counter()
        await log.append(leaves[at * batch : (at + 1) * batch])
        times.append(time.perf_counter() - began)
    rate = batch * rounds / sum(times)
    median = statistics.median(times) * 1e3
    name = f"durable appends of {batch}, one caller"
    return Fact(name, f"{rate:,.0f} leaves/s, {median:.2f} ms", "-")


async def together(log: Log, leaves: list[Sealed]) -> Fact:
    """Many callers with one leaf each, as transactions commit."""
    callers = 256

    async def call(at: int) -> None:
        for one in leaves[at::callers]:
            await log.append([one])

    began = time.perf_counter()
    await asyncio.gather(*(call(at) for at in range(callers)))
    rate = len(leaves) / (time.perf_counter() - began)
    return Fact(f"durable appends of 1, {callers} callers", f"{rate:,.0f} leaves/s", "5,000/s")


async def receipts(reading: Reading, identity: Identity, size: int) -> list[Fact]:
    """Made, and verified."""
    policy = verify.read_policy(f"log {identity.signers[0].verifier}\nquorum none\n".encode())
    made, checked, sizes = [], [], []
    for number in range(0, size, max(1, size // 200)):
        began = time.perf_counter()
        data = bytes(await reading.receipt(number))
        middle = time.perf_counter()
        verify.verify_receipt(data, policy)
        made.append(middle - began)
        checked.append(time.perf_counter() - middle)
        sizes.append(len(data))
    return [
        Fact("a receipt made", f"{statistics.median(made) * 1e3:.2f} ms", "-"),
        Fact("its size, the largest", f"{max(sizes):,} bytes", "2,500 bytes"),
        Fact("verified offline", f"{statistics.median(checked) * 1e3:.3f} ms", "1 ms"),
    ]


async def _all(leaves: int, rate: int) -> list[Fact]:
    return [*await measure(leaves), *await followed(leaves, rate)]


def facts(leaves: int = 100_000, rate: int = 5_000) -> list[Fact]:
    """All that is measured."""
    return asyncio.run(_all(leaves, rate))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--leaves", type=int, default=100_000)
    parser.add_argument("--rate", type=int, default=5_000)
    asked = parser.parse_args()
    for fact in facts(asked.leaves, asked.rate):
        print(f"{fact.name}: {fact.value} (target {fact.target})")
