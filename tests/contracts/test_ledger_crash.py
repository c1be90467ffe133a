"""A log whose process is killed at any moment has what it said it has, and never takes back what it
signed."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import time
from pathlib import Path

import pytest

from careplane.ledger import verify
from careplane.ledger.scrub import damages
from careplane.storage.engines import postgres, sqlite
from tests import postgres as database
from tests.support import ROOT
from tests.unit.ledger.logs import IDENTITY, SECRET, new_log

pytestmark = pytest.mark.anyio
ENVIRONMENT = {**os.environ, "PYTHONPATH": f"{ROOT / 'src'}:{ROOT}"}
VERIFIERS = [one.verifier for one in IDENTITY.signers]


def killed(folder: Path, url: str, after: float) -> list[list[str]]:
    """What it said until then, but for a line that was cut off."""
    with (folder / "said").open("wb") as said:
        child = subprocess.Popen(
            [sys.executable, "-m", "tests.contracts.ledger_child", str(folder), url],
            env=ENVIRONMENT, stdout=said, cwd=ROOT,
        )  # fmt: skip
        for _ in range(600):
            if b"signed" in (folder / "said").read_bytes() or child.poll() is not None:
                break
            time.sleep(0.05)
        time.sleep(after)
        child.kill()
        child.wait()
    assert child.returncode == -9, "it ended by itself"
    *whole, _ = (folder / "said").read_text().split("\n")
    return [line.split() for line in whole]


@pytest.mark.parametrize("engine", ["sqlite", "postgres"])
async def test_what_was_said_is_there_after_a_kill(tmp_path: Path, engine: str) -> None:
    url = database.url() if engine == "postgres" else ""
    chance = random.Random(4)
    signed: list[tuple[int, bytes]] = []
    for _ in range(4):
        said = killed(tmp_path, url, chance.uniform(0.05, 0.5))
        store = postgres.open_ledger(url) if url else sqlite.open_ledger(tmp_path, SECRET)
        log, _ = new_log(tmp_path, store)
        await log.open()
        entries = dict(await store.entries(0, log.size))
        for number, entry in [(int(n), e) for kind, n, e in said if kind == "leaf"]:
            assert entries[number].leaf.hex() == entry
        signed += [(int(n), bytes.fromhex(root)) for kind, n, root in said if kind == "signed"]
        assert signed, "it has signed"
        root = await log.tree.root(log.size)
        for size, old in signed[-50:]:
            proof = await log.tree.consistency(size, log.size)
            assert verify.consistent(size, old, log.size, root, proof)
        assert await store.losses() == [], "nothing that was signed was lost"
        assert await damages(store, VERIFIERS) == []
        await log.close()
    sizes = [size for size, _ in signed]
    assert sizes == sorted(set(sizes))
