"""A log, and witnesses in processes of their own, as other institutions run them."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from careplane.ledger.anchor import AnchorFile
from careplane.ledger.formats import policy
from careplane.ledger.log import Log
from careplane.ledger.reading import Reading
from careplane.ledger.witness.asking import Witnesses
from careplane.storage.engines import sqlite
from tests.support import ROOT
from tests.unit.ledger.logs import IDENTITY, ORIGIN, SECRET, clock, sealed
from tools import warm

pytestmark = pytest.mark.anyio
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(ROOT / "src"), "NO_COLOR": "1"}
LOG_KEY = str(IDENTITY.signers[0].verifier)


class Running:
    """One `careplane witness`."""

    def __init__(self, folder: Path, name: str, log: str = LOG_KEY) -> None:
        self.log = log
        self.state = folder / f"{name}.state"
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        made = careplane("witness", str(self.state), "--name", f"{name}.example")
        self.key = made.stdout.splitlines()[0]
        self.start()

    def start(self) -> None:
        words = ("witness", str(self.state), "--log", self.log, "--port", str(self.port))
        self.process = warm.start(words, ENVIRONMENT)
        for _ in range(200):
            try:
                if (
                    httpx.get(f"http://127.0.0.1:{self.port}/livez", verify=False).status_code
                    == 200
                ):
                    return
            except httpx.HTTPError:
                time.sleep(0.05)
        raise AssertionError("the witness does not start")

    def kill(self) -> None:
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(30)


def careplane(*words: str) -> subprocess.CompletedProcess[str]:
    done = warm.run([*words], ENVIRONMENT)
    return subprocess.CompletedProcess(
        words, done.returncode, done.stdout.decode(), done.stderr.decode()
    )


@pytest.fixture
def witnesses(tmp_path: Path) -> Iterator[list[Running]]:
    running = [Running(tmp_path, name) for name in ("w1", "w2")]
    yield running
    for one in running:
        one.kill()


async def test_a_log_its_witnesses_and_somebody_outside(
    tmp_path: Path, witnesses: list[Running]
) -> None:
    """Two witnesses cosign; one is killed and comes back; a receipt is verified by the command."""
    lines = [f"log {LOG_KEY}"]
    for at, one in enumerate(witnesses):
        lines.append(f"witness w{at} {one.key} http://127.0.0.1:{one.port}")
    lines += ["group both all w0 w1", "quorum both"]
    (tmp_path / "policy").write_text("".join(f"{line}\n" for line in lines))
    store = sqlite.open_ledger(tmp_path, SECRET)
    log = Log(store, AnchorFile(tmp_path / "anchor"), IDENTITY, clock, witnessed=True)
    await log.open()
    async with httpx.AsyncClient() as http:
        asking = Witnesses(policy.parse((tmp_path / "policy").read_bytes()), http)
        await log.append(sealed(*range(300)))
        await log.sign()
        early = await log.cosign(asking)
        assert early is not None
        witnesses[1].kill()
        await log.append(sealed(*range(300, 400)))
        await log.sign()
        assert await log.cosign(asking) is None, "both are wanted"
        witnesses[1].start()
        later = await log.cosign(asking)
        assert later is not None
    reading = Reading(store, cosigned=True)
    (tmp_path / "r.tlog-proof").write_bytes(bytes(await reading.receipt(350)))
    growth = await reading.growth(300)
    (tmp_path / "early").write_bytes(bytes(early))
    (tmp_path / "later").write_bytes(bytes(growth.__class__(300, growth.proof, later)))
    await log.close()
    policed = ("--policy", str(tmp_path / "policy"))
    done = careplane("ledger", "verify", str(tmp_path / "r.tlog-proof"), *policed, "--json")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert (found["log"], found["leaf"], found["size"]) == (ORIGIN, 350, 400)
    assert set(found["witnesses"]) == {"w0", "w1"}
    both = (str(tmp_path / "early"), str(tmp_path / "later"))
    done = careplane("ledger", "consistency", *both, *policed)
    assert done.stdout == f"{ORIGIN} only grew, from 300 to 400 leaves.\n", done.stderr
    (tmp_path / "r.tlog-proof").write_bytes(b"nothing\n")
    done = careplane("ledger", "verify", str(tmp_path / "r.tlog-proof"), *policed)
    assert (done.returncode, "Refused: this is no receipt" in done.stderr) == (1, True)
    done = careplane("ledger", "verify", str(tmp_path / "none"), *policed)
    assert (done.returncode, "cannot be read" in done.stderr) == (1, True)


def test_a_witness_is_one_process(witnesses: list[Running]) -> None:
    done = careplane("witness", str(witnesses[0].state), "--log", LOG_KEY, "--port", "1")
    assert (done.returncode, "Another process" in done.stderr) == (1, True)
    done = careplane("witness", str(witnesses[0].state), "--name", "again.example")
    assert (done.returncode, "a witness already" in done.stderr) == (1, True)
    done = careplane("witness", str(witnesses[0].state), "--log", "nonsense")
    assert (done.returncode, "name+id+base64" in done.stderr) == (1, True)
