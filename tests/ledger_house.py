"""Records, their ledger and three witnesses, without a server: for tests of the whole and for those
who tamper with it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from careplane.kernel.clock import system_clock
from careplane.ledger.anchor import AnchorFile
from careplane.ledger.comparing import Findings, compare
from careplane.ledger.erasing import Erasing
from careplane.ledger.following import Follower, Sources
from careplane.ledger.log import Log
from careplane.ledger.reading import Reading
from careplane.ledger.receipts import Receipts
from careplane.ledger.scrub import apart, damages
from careplane.search.rows import Rows
from careplane.storage.engines import postgres, sqlite
from careplane.storage.engines.memory import MemoryLedger, MemoryStore
from careplane.storage.ports.ledger import LedgerStore
from careplane.storage.ports.records import Erased, Erasure, Put, Tenant, Unit, Version
from tests import postgres as database
from tests.contracts.engines import Store
from tests.unit.ledger.logs import IDENTITY, SECRET, Town

ONE = Tenant(1)
KEY = bytes(range(32))
ENGINES = ("memory", "sqlite", "postgres")
VERIFIERS = [one.verifier for one in IDENTITY.signers]


def stores(engine: str, folder: Path, url: str) -> tuple[Store, LedgerStore]:
    """Records and log, as one installation has them."""
    if engine == "memory":
        return MemoryStore(system_clock), MemoryLedger()
    if engine == "sqlite":
        return sqlite.open(folder, KEY, system_clock), sqlite.open_ledger(folder, KEY)
    limits = postgres.Limits(quick=2, careful=2)
    return postgres.open(url, KEY, system_clock, limits), postgres.open_ledger(url)


@dataclass
class House:
    """One installation, open."""

    folder: Path
    records: Store
    ledger: LedgerStore
    town: Town
    tenants: Sequence[Tenant] = (ONE,)
    policies: dict[str, str] = field(default_factory=lambda: {"nurse.cedar": "permit(nurse);"})

    def __post_init__(self) -> None:
        self.anchors = AnchorFile(self.folder / "anchor")
        self.log = self.new_log()
        self.sources = Sources(
            self.records, self.records, lambda: self.tenants, lambda: self.policies, SECRET,
            system_clock,
        )  # fmt: skip
        self.follower = Follower(self.log, self.ledger, self.sources)
        self.receipts = Receipts(self.ledger, Reading(self.ledger, cosigned=True), SECRET)
        self.erasing = Erasing(self.new_log(), self.ledger, self.records, SECRET, system_clock)

    def new_log(self) -> Log:
        return Log(self.ledger, self.anchors, IDENTITY, system_clock, witnessed=True)

    async def write(self, *puts: Put, tenant: Tenant = ONE) -> tuple[Version, ...]:
        receipt = await self.records.commit(tenant, Unit(puts, audit=b"\x01w%d" % len(puts)))
        return receipt.versions

    async def settle(self) -> None:
        """All has leaves, and is cosigned."""
        await self.follower.caught_up()
        await self.log.sign()
        await self.log.cosign(self.town.asking())

    async def erase(self, type: str, id: str) -> int:
        """As `$erase` does: the salts, then the record."""
        now = await self.records.read(ONE, type, id)
        assert now is not None
        done = await self.erasing.erase_patient(
            ONE, [(type, id, n) for n in range(1, now.version + 1)]
        )
        erasure = Erasure((Erased(type, id, now.version, Rows()),), audit=b"\x01erased")
        await self.records.erase(ONE, erasure)
        return done

    async def compared(self) -> Findings:
        return await compare(self.ledger, self.sources)

    async def problems(self) -> list[str]:
        """All that this installation can find out about itself."""
        away = await apart(self.ledger, self.anchors, IDENTITY)
        damaged = await damages(self.ledger, VERIFIERS)
        return [*([away] if away else []), *damaged, *(await self.compared()).problems]


def put(id: str, expect: int = 0, type: str = "Observation", rest: bytes | None = None) -> Put:
    """A version whose body is short, so that it stands in the file as it is."""
    body = b'},"n":"%s-%d"}' % (id.encode(), expect) if rest is None else rest
    return Put(type, id, "PUT", body, Rows(), expect, Rows())


def gone(id: str, expect: int, type: str = "Observation") -> Put:
    """A deletion."""
    return Put(type, id, "DELETE", b"", Rows(), expect, Rows())


@asynccontextmanager
async def opened(engine: str, folder: Path, url: str = "") -> AsyncIterator[House]:
    """The installation of a folder, or of the database of an address."""
    if engine == "postgres" and not url:
        url = database.url()
    records, ledger = stores(engine, folder, url)
    house = House(folder, records, ledger, Town(folder))
    try:
        await house.log.open()
        yield house
    finally:
        await ledger.close()
        await records.close()


async def lived(house: House, many: int = 40) -> None:
    """Some life: records that change, are deleted and erased, consents, audit, policies."""
    await house.write(*(put(f"o{n}") for n in range(many)))
    await house.write(put("o1", 1), put("c", type="Consent"))
    await house.write(gone("o2", 1), put("c", 1, "Consent"))
    for n in range(5):
        await house.records.append(ONE, b"\x01read %d" % n)
    await house.settle()
    await house.write(*(put(f"p{n}") for n in range(many)))
    await house.follower.caught_up()
    await house.erase("Observation", "o3")
    await house.records.append(ONE, b"\x01last")
    await house.settle()
