"""A million honest operations, with restarts and erasures, and not one false alarm."""

from __future__ import annotations

import asyncio
import os
import random
from pathlib import Path

import pytest

from tests.ledger_house import ONE, House, gone, opened, put

pytestmark = [pytest.mark.anyio, pytest.mark.soak, pytest.mark.timeout(3600)]
OPERATIONS = int(os.environ.get("CAREPLANE_TAMPER_OPERATIONS", "1000000"))
_UNIT = 200
_OPENED_TIMES = 10


class Life:
    """What is there by now, and what comes next."""

    def __init__(self) -> None:
        self.chance = random.Random(7)
        self.versions: dict[str, int] = {}
        self.made = self.done = 0

    async def step(self, house: House) -> None:
        """One unit of work and its audit records."""
        puts, taken = [], set()
        for _ in range(_UNIT):
            known = self.chance.choice(list(self.versions)) if self.chance.random() < 0.3 else ""
            if known and known not in taken:
                delete = self.chance.random() < 0.1
                made = gone if delete else put
                puts.append(made(known, self.versions[known]))
                self.versions[known] += 1
            else:
                self.made += 1
                known = f"o{self.made}"
                puts.append(put(known))
                self.versions[known] = 1
            taken.add(known)
        await house.write(*puts)
        reads = (house.records.append(ONE, b"\x01read %d" % n) for n in range(_UNIT // 10))
        await asyncio.gather(*reads)
        self.done += len(puts) + _UNIT // 10
        if len(self.versions) > 3_000:
            for id in list(self.versions)[:1_500]:
                del self.versions[id]

    async def forget(self, house: House) -> None:
        """Somebody asks to be erased."""
        await house.follower.caught_up()
        id = self.chance.choice(list(self.versions))
        assert await house.erase("Observation", id) == self.versions.pop(id)
        await house.log.open()
        self.done += 1


async def test_a_million_operations_raise_no_alarm(tmp_path: Path) -> None:
    life = Life()
    for part in range(1, _OPENED_TIMES + 1):
        async with opened("sqlite", tmp_path) as house:
            await house.follower.check(ONE)
            while life.done < OPERATIONS * part // _OPENED_TIMES:
                await life.step(house)
                await house.follower.versions()
                if life.chance.random() < 0.05:
                    await life.forget(house)
                if life.chance.random() < 0.05:
                    await house.settle()
            await house.settle()
            assert await house.problems() == []
    assert life.done >= OPERATIONS
