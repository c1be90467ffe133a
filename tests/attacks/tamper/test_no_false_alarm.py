"""Honest operations with restarts, erasures, backups and rotations, and not one false alarm: some
on each run, a million in the soak."""

from __future__ import annotations

import asyncio
import copy
import os
import random
import shutil
import sys
from pathlib import Path

import pytest

from careplane.storage.engines import sqlite
from tests.attacks.tamper.honest import Life, backup, compact, restore
from tests.ledger_house import KEY, ONE, House, opened

pytestmark = pytest.mark.anyio
OPERATIONS = int(os.environ.get("CAREPLANE_TAMPER_OPERATIONS", "1000000"))
_PARTS = 10


async def _until(life: Life, house: House, operations: int) -> None:
    while life.operations < operations:
        await life.step(house)
        if life.chance.random() < 0.02:
            await house.settle()
    await house.settle()


async def _lived(folder: Path, operations: int) -> Life:
    """That many operations, in parts; after each the whole is compared. Between two parts the
    server stands still, and an operator has work to do."""
    life = Life(random.Random(7), large=min(5_000, operations // 20))
    here = folder / "data0"
    here.mkdir()
    await sqlite.open_state(here, KEY).close()  # a backup has it too
    for part in range(1, _PARTS + 1):
        end = operations * part // _PARTS
        async with opened("sqlite", here) as house:
            await house.follower.check(ONE)
            if part in (3, 7):
                await life.rotates(house)
            if part == 5:  # what comes after this backup is lost
                await asyncio.to_thread(backup, here, folder / "old")
                kept = copy.deepcopy(life.versions)
            await life.erases(house)
            await _until(life, house, end)
            assert await house.problems() == []
            life.done["whole comparisons"] += 1
            if part % 2 == 0:
                await asyncio.to_thread(backup, here, folder / "copy")
                life.done["backups"] += 1
        if part == 5:
            here = _restored(folder / "old", here, folder / "data5")
            life.versions = kept
            life.done["backups"] += 1
            life.done["restores"] += 1
        elif part % 2 == 0:
            here = _restored(folder / "copy", here, folder / f"data{part}")
            life.done["restores"] += 1
        else:
            compact(here)
            life.done["compactions"] += 1
    async with opened("sqlite", here) as house:
        await house.settle()
        found = await house.compared()
        assert found.problems == []
        assert found.versions > 0
        assert found.waiting == 0
        assert await house.problems() == []
    return life


def _restored(made: Path, before: Path, folder: Path) -> Path:
    restore(made, before, folder)
    shutil.rmtree(made)
    return folder


async def test_what_is_done_honestly_raises_no_alarm(tmp_path: Path) -> None:
    life = await _lived(tmp_path, 10_000)
    assert {*life.done} >= {"changes", "deletions", "audited reads", "erasures", "key rotations",
                            "backups", "restores", "compactions"}  # fmt: skip


@pytest.mark.soak
@pytest.mark.timeout(3600)
async def test_a_million_operations_raise_no_alarm(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    life = await _lived(tmp_path, OPERATIONS)
    assert life.operations >= OPERATIONS
    with capsys.disabled():
        of = ", ".join(f"{what} {count:,}" for what, count in life.done.most_common())
        sys.stdout.write(f"\n{life.operations:,} honest operations, no false alarm: {of}\n")
