"""A release of the size of SNOMED CT in the embedded store: how long it takes to load, how much of
the disk it takes, and how long questions take (`make soak`)."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from careplane.storage.engines import sqlite
from careplane.terminology.concepts import Selection
from careplane.terminology.importers import opened
from careplane.terminology.loading.loader import load
from careplane.terminology.releases import Releases
from tools.make_rf2 import make

pytestmark = [pytest.mark.soak, pytest.mark.timeout(1800)]
CONCEPTS = 350_000


def test_a_release_of_the_size_of_snomed_ct(tmp_path: Path) -> None:
    make(tmp_path / "rf2", CONCEPTS)
    asyncio.run(_measured(tmp_path))


async def _measured(folder: Path) -> None:
    store = sqlite.open_terminology(folder, bytes(range(32)))
    began = time.process_time()
    loaded = await load(store, opened("snomed", folder / "rf2", {}), folder, lambda *_: None)
    assert time.process_time() - began < 300
    assert (loaded.concepts, loaded.designations > 1_190_000) == (CONCEPTS, True)
    await store.close()
    assert sum(path.stat().st_size for path in folder.glob("*.sqlite*")) < 1_500 * CONCEPTS
    store = sqlite.open_terminology(folder, bytes(range(32)))
    concepts = await Releases(lambda: store, time.monotonic).concepts(loaded.url, loaded.version)
    assert concepts is not None
    codes = await concepts.codes(Selection(), limit=CONCEPTS)
    rng = random.Random(1)
    assert await _median(lambda: concepts.is_a(rng.choice(codes), rng.choice(codes))) < 0.001
    assert await _median(lambda: concepts.find(rng.choice(codes))) < 0.001
    some = Selection()
    page = await _median(lambda: concepts.select(some, after=rng.choice(codes), limit=1_000), 50)
    assert page < 0.020
    await store.close()


async def _median(work: Callable[[], Awaitable[object]], times: int = 1_000) -> float:
    taken = []
    for _ in range(times):
        began = time.process_time()
        await work()
        taken.append(time.process_time() - began)
    return sorted(taken)[times // 2]
