"""The life of an honest installation: what is done to records, trail and log by those who may.

Everything is counted once: a version that is written, a record that is read (and its audit record),
one that is erased, and each of what an operator does, however much work that is.
"""

from __future__ import annotations

import asyncio
import random
import shutil
from collections import Counter
from collections.abc import Iterable
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

from careplane.search.rows import Rows
from careplane.storage.engines.sqlite import SqliteVault
from careplane.storage.engines.sqlite.connection import connect, key_for
from careplane.storage.keys.bodies import patient_of
from careplane.storage.keys.erasures import NAME as ERASURES
from careplane.storage.ports.keys import Reseal
from careplane.storage.ports.records import Put, Version
from tests.ledger_house import KEY, ONE, House, gone, put

Key = tuple[str, str]
_OUTSIDE = ("anchor", "w1", "w2", "w3", ERASURES)
"""Of no backup: they must not go back in time with the log."""
_KNOWN = 3_000
_SLACK_SECONDS = 0.5


@dataclass
class Life:
    """What is there by now, as far as it is remembered, and what has been done so far. `large` is
    how many records an import has."""

    chance: random.Random
    large: int
    versions: dict[Key, int] = field(default_factory=dict)
    made: int = 0
    done: Counter[str] = field(default_factory=Counter)

    @property
    def operations(self) -> int:
        return self.done.total()

    async def step(self, house: House) -> None:
        """What is done most, as it comes."""
        await self.chance.choices(
            (self.writes, self.reads, self.imports, self.erases), (60, 40, 3, 16)
        )[0](house)
        for key in list(self.versions)[: max(0, len(self.versions) - _KNOWN)]:
            del self.versions[key]

    async def writes(self, house: House) -> None:
        """A transaction of some new records, changes of others, and deletions."""
        known = self.chance.sample(sorted(self.versions), min(60, len(self.versions)))
        deleted = known[:6]
        puts = [self._changed(key, delete=key in deleted) for key in known]
        await house.write(*puts, *self._new(140))
        self.done["changes"] += len(known) - len(deleted)
        self.done["deletions"] += len(deleted)
        self.done["new records"] += 140
        await house.follower.versions()

    async def imports(self, house: House) -> None:
        """One large unit of work."""
        await house.write(*self._new(self.large))
        self.done["imported records"] += self.large
        await house.follower.versions()

    async def reads(self, house: House) -> None:
        """Records with their audit records."""
        keys = self.chance.choices(sorted(self.versions), k=250) if self.versions else []
        found = await house.records.read_many(ONE, keys)
        assert [one and one.version for one in found] == [self.versions[key] for key in keys]
        told = (house.records.append(ONE, b"\x01read %s/%s" % (type.encode(), id.encode()))
                for type, id in keys)  # fmt: skip
        await asyncio.gather(*told)
        self.done["audited reads"] += len(keys)

    async def erases(self, house: House) -> None:
        """Somebody asks to be erased."""
        if not self.versions:
            return
        await house.follower.caught_up()
        type, id = self.chance.choice(sorted(self.versions))
        assert await house.erase(type, id) == self.versions.pop((type, id))
        await house.log.open()
        self.done["erasures"] += 1

    def _new(self, count: int) -> Iterable[Put]:
        """One of a hundred is a Patient, whose body is under a key of its own."""
        for _ in range(count):
            self.made += 1
            key = ("Patient" if self.made % 100 == 0 else "Observation", f"r{self.made}")
            self.versions[key] = 1
            yield put(key[1], type=key[0])

    def _changed(self, key: Key, *, delete: bool) -> Put:
        type, id = key
        before = self.versions[key]
        self.versions[key] += 1
        return gone(id, before, type) if delete else put(id, before, type)

    async def rotates(self, house: House) -> None:
        """All bodies come under new keys, and the old ones are destroyed."""
        keeper = house.records.keeper  # type: ignore[attr-defined]
        await keeper.rewrap(ONE)
        await keeper.supersede(ONE, None)
        await asyncio.sleep(keeper.fresh_seconds + _SLACK_SECONDS)
        after = resealed = 0
        while some := await house.records.changes(ONE, after, 1_000):
            resealed += await keeper.reseal(ONE, [_under(version) for version in some])
            after = some[-1].t
        assert resealed > 0
        assert await keeper.retire(ONE) > 0
        self.done["key rotations"] += 1


def _under(version: Version) -> Reseal:
    patient = patient_of(version.type, version.id, Rows())
    return Reseal(version.type, version.id, version.version, version.t, patient)


def backup(folder: Path, target: Path) -> None:
    """As `careplane backup`, of files that are in use."""
    target.mkdir()
    SqliteVault(folder, KEY).copy(target)


def restore(copy: Path, before: Path, folder: Path) -> None:
    """As `careplane restore`, and the newest anchor put where it belongs."""
    folder.mkdir()
    SqliteVault(folder, KEY).restore(copy, folder)
    for name in _OUTSIDE:
        if (before / name).exists():
            shutil.copy(before / name, folder / name)
    shutil.rmtree(before)


def compact(folder: Path) -> None:
    """The files of an installation that stands still are written anew, without gaps."""
    for name in ("records", "audit", "ledger", "keys"):
        with closing(connect(folder / f"{name}.sqlite", key_for(name, KEY))) as file:
            file.execute("VACUUM")
            file.execute("PRAGMA wal_checkpoint(TRUNCATE)")
