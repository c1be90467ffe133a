"""Whatever happens to a log in an honest house, nobody raises an alarm; whatever is changed behind
its back, somebody does."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from careplane.kernel.errors import Busy, Malformed, NotFound
from careplane.ledger import verify
from careplane.ledger.formats import checkpoint, note, policy
from careplane.ledger.formats.keys import Kind, generate
from careplane.ledger.log import COSIGNED, SIGNED, Log
from careplane.ledger.merkle.tiles import Lost
from careplane.ledger.reading import Reading
from careplane.ledger.scrub import damages
from careplane.ledger.tree import place_now
from careplane.storage.engines.memory import MemoryLedger
from tests.unit.ledger.logs import IDENTITY, Town, grown, new_log

pytestmark = pytest.mark.anyio
VERIFIERS = [one.verifier for one in IDENTITY.signers]
STEPS = st.one_of(
    st.tuples(st.just("append"), st.integers(1, 300)),
    st.tuples(st.just("sign"), st.just(0)),
    st.tuples(st.just("cosign"), st.sampled_from(["", "w1", "w2", "w3", "w1 w2"])),
    st.tuples(st.just("restart"), st.just(0)),
    st.tuples(st.just("backup"), st.just(0)),
    st.tuples(st.just("restore"), st.just(0)),
    st.tuples(st.just("erase"), st.integers(0, 400)),
)


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


def copied(store: MemoryLedger) -> MemoryLedger:
    copy = MemoryLedger()
    for name, value in store.__dict__.items():
        setattr(copy, name, value.copy() if isinstance(value, dict | list) else value)
    return copy


@dataclass
class House:
    """A log, three witnesses of whom some are down at times, and backups."""

    folder: Path
    store: MemoryLedger = field(default_factory=MemoryLedger)
    backup: MemoryLedger | None = None
    appended: int = 0
    seen: list[checkpoint.Checkpoint] = field(default_factory=list)
    numbers: dict[int, bytes] = field(default_factory=dict)

    async def begin(self) -> None:
        self.town = Town(self.folder)
        self.asking = self.town.asking()
        await self.restart(0)

    async def restart(self, _: int) -> None:
        self.log: Log = new_log(self.folder, self.store)[0]
        await self.log.open()
        self.asking = self.town.asking()

    async def append(self, count: int) -> None:
        first = self.log.size
        leaves = await grown(self.log, count, self.appended)
        self.appended += count
        self.numbers |= {first + at: leaf.entry for at, leaf in enumerate(leaves)}

    async def sign(self, _: int) -> None:
        if signed := await self.log.sign():
            self.seen.append(checkpoint.parse(signed.text))

    async def cosign(self, down: str) -> None:
        self.town.down = set(down.split())
        await self.log.cosign(self.asking)

    async def erase(self, number: int) -> None:
        await self.store.erase([number])

    async def backup_(self, _: int) -> None:
        self.backup = copied(self.store)

    async def restore(self, _: int) -> None:
        if self.backup:
            self.store = copied(self.backup)
            # the numbers of what is neither here nor signed are given anew
            certain = max(await self.store.size(), self.seen[-1].size if self.seen else 0)
            self.numbers = {at: leaf for at, leaf in self.numbers.items() if at < certain}
            await self.restart(0)

    async def well(self) -> None:
        """Nothing is damaged, receipts hold, and whoever saw an earlier checkpoint can follow."""
        assert await damages(self.store, VERIFIERS) == []
        newest = self.seen[-1] if self.seen else None
        for old in self.seen[-4:]:
            assert newest
            if newest.size > self.log.size:
                continue
            try:
                proof = await self.log.tree.consistency(old.size, newest.size)
            except Lost:
                continue
            assert verify.consistent(old.size, old.root, newest.size, newest.root, proof)
        sizes = [one.size for one in self.seen]
        assert sizes == sorted(set(sizes)), "never the same or a smaller tree again"
        await self.receipts_hold()
        await self.numbers_hold()

    async def numbers_hold(self) -> None:
        """A leaf is found by the number that it was given, unless it is really not there."""
        losses = await self.store.losses()
        entries = {number: one.leaf for number, one in await self.store.entries(0, 100_000)}
        here = set(entries.values())
        for number, leaf in self.numbers.items():
            try:
                assert entries[place_now(number, losses)] == leaf
            except NotFound:
                assert leaf not in here

    async def receipts_hold(self) -> None:
        reading = Reading(self.store, cosigned=True)
        believed = verify.read_policy(self.town.policy())
        for number in (0, self.log.size // 2, self.log.size - 1):
            try:
                receipt = await reading.receipt(number)
            except (NotFound, Busy):
                continue
            verify.verify_receipt(bytes(receipt), believed)


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(steps=st.lists(STEPS, min_size=3, max_size=25))
async def test_an_honest_log_raises_no_alarm(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[str, int]]
) -> None:
    house = House(tmp_path_factory.mktemp("house"))
    await house.begin()
    for name, value in steps:
        await getattr(house, name + ("_" if name == "backup" else ""))(value)
        await house.well()
    await house.append(1)
    await house.sign(0)
    await house.cosign("")
    await house.well()
    cosigned = checkpoint.parse(note.parse(await house.store.note(COSIGNED)).text)
    assert cosigned.size == house.log.size, "in the end all witnesses follow"


async def test_any_bit_that_is_flipped_is_found(tmp_path: Path) -> None:
    """In a log of three levels of tiles, in whatever is signed."""
    chance = random.Random(6962)
    log, store = new_log(tmp_path)
    assert isinstance(store, MemoryLedger)
    await log.open()
    for at in range(0, 66_000, 1_000):
        await grown(log, 1_000, at)
    await log.sign()
    assert await damages(store, VERIFIERS) == []
    for _ in range(25):
        kind = chance.choice(["_entries", "_tiles", "_notes"])
        cells = getattr(store, kind)
        key = chance.choice(sorted(cells))
        whole = cells[key]
        data = whole.leaf if kind == "_entries" else whole
        at = chance.randrange(len(data))
        flipped = data[:at] + bytes([data[at] ^ 1 << chance.randrange(8)]) + data[at + 1 :]
        cells[key] = type(whole)(flipped, whole.salt) if kind == "_entries" else flipped
        assert await damages(store, VERIFIERS), (kind, key, at)
        cells[key] = whole
    assert sorted(store._notes) == [SIGNED]


LOG = generate("example.com/log", Kind.ED25519).verifier
ONES = [generate(f"w{n}.example", Kind.COSIGNATURE).verifier for n in range(3)]
KEYWORDS = ("log", "witness", "group", "quorum", "none", "any", "all")
NAMES = ("A", "B", "C", "G", "1", "2", "4", "01", "#", "\t", "", " ", "\n", "\r", "https://x")
WORDS = [*KEYWORDS, *NAMES, str(LOG), *map(str, ONES)]
LINES = [
    f"log {LOG}", *(f"witness {n} {k}" for n, k in zip("ABC", ONES, strict=True)),
    "group G 2 A B C", "group G any A", "group H all B C", "quorum G", "quorum A", "quorum none",
    f"log {LOG} https://x", "# a remark", "", "\t quorum\tG",
]  # fmt: skip
POLICIES = st.lists(
    st.sampled_from(LINES) | st.lists(st.sampled_from(WORDS), max_size=5).map(" ".join), max_size=9
).map(lambda lines: "".join(f"{line}\n" for line in lines))


@settings(max_examples=400)
@given(text=POLICIES, cosigned=st.sets(st.sampled_from("ABC")))
def test_both_readers_of_policies_understand_the_same(text: str, cosigned: set[str]) -> None:
    """That of the log, and that of the verifier, which has no code in common with it."""
    try:
        ours = policy.parse(text.encode())
    except Malformed:
        with pytest.raises(verify.Refused):
            verify.read_policy(text.encode())
        return
    theirs = verify.read_policy(text.encode())
    keys = [(one.key.name, one.key.kind, one.key.public) for one in ours.logs]
    assert keys == [(one.name, one.kind, one.public) for one in theirs.logs]
    assert set(ours.witnesses) == set(theirs.witnesses)
    times = dict.fromkeys(cosigned, 1)
    enough = theirs.quorum == "none" or theirs._holds(str(theirs.quorum), times)
    assert ours.satisfied(cosigned) is enough
