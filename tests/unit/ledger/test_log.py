"""The log: durable appends, checkpoints that never go back, what happens after a loss."""

from __future__ import annotations

import asyncio
import shutil
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlcipher3 import dbapi2

from careplane.kernel.errors import Busy, Conflict, Fault, Full, Incorrect, NotFound
from careplane.ledger import leaf, verify
from careplane.ledger.anchor import Anchor, AnchorFile
from careplane.ledger.formats import checkpoint, keys, note
from careplane.ledger.leaf import Kind
from careplane.ledger.log import COSIGNED, SIGNED, Identity
from careplane.ledger.merkle.frontier import Frontier
from careplane.ledger.merkle.hashes import leaf_hash
from careplane.ledger.reading import Reading
from careplane.ledger.scrub import damages
from careplane.ledger.tree import place_now
from careplane.storage.engines import sqlite
from careplane.storage.engines.memory import MemoryLedger
from careplane.storage.ports.ledger import Batch, LedgerStore
from tests.unit.ledger.logs import IDENTITY, ORIGIN, SECRET, Town, clock, grown, new_log, sealed
from tests.unit.ledger.logs import version as said

pytestmark = pytest.mark.anyio
VERIFIERS = [one.verifier for one in IDENTITY.signers]


def head(signed: note.Note | None) -> checkpoint.Checkpoint:
    assert signed is not None
    return checkpoint.parse(signed.text)


async def test_appends_get_numbers_in_order_and_a_checkpoint_covers_them(tmp_path: Path) -> None:
    log, _ = new_log(tmp_path)
    await log.open()
    assert await log.sign() is None, "there is nothing to sign"
    leaves = sealed(*range(300))
    firsts = await asyncio.gather(*(log.append(leaves[at : at + 3]) for at in range(0, 300, 3)))
    assert firsts == list(range(0, 300, 3))
    signed = await log.sign()
    tree = Frontier().extend(leaf_hash(one.entry) for one in leaves)
    assert head(signed) == checkpoint.Checkpoint(ORIGIN, 300, tree.root())
    assert await log.sign() is None, "nothing is new"
    with pytest.raises(Incorrect):
        await log.append(leaves * 14)


async def test_many_appends_that_wait_are_few_transactions(tmp_path: Path) -> None:
    class Counting(MemoryLedger):
        times = 0

        async def append(self, batch: Batch) -> None:
            self.times += 1
            await asyncio.sleep(0)
            await super().append(batch)

    store = Counting()
    log, _ = new_log(tmp_path, store)
    await log.open()
    await asyncio.gather(*(log.append([one]) for one in sealed(*range(200))))
    assert await store.size() == 200
    assert store.times <= 3


async def test_a_store_that_fails_fails_those_who_wait_and_the_log_goes_on(tmp_path: Path) -> None:
    class Filling(MemoryLedger):
        full = True

        async def append(self, batch: Batch) -> None:
            if self.full:
                raise Full("The disk is full")
            await super().append(batch)

    store = Filling()
    log, _ = new_log(tmp_path, store)
    await log.open()
    with pytest.raises(Full):
        await log.append(sealed(1))
    store.full = False
    assert await log.append(sealed(2)) == 0


async def test_two_writers_do_not_lose_an_append(tmp_path: Path) -> None:
    store = MemoryLedger()
    one, two = (new_log(tmp_path, store)[0] for _ in range(2))
    await one.open()
    await two.open()
    for number in range(0, 600, 2):
        await one.append(sealed(number))
        await two.append(sealed(number + 1))
    assert await store.size() == 600
    await one.append(sealed(1))
    await one.sign()
    assert await damages(store, VERIFIERS) == []


async def test_a_log_opened_again_goes_on(tmp_path: Path) -> None:
    store = sqlite.open_ledger(tmp_path, SECRET)
    log, _ = new_log(tmp_path, store)
    await log.open()
    await grown(log, 700)
    first = await log.sign()
    await log.close()
    store = sqlite.open_ledger(tmp_path, SECRET)
    log, _ = new_log(tmp_path, store)
    await log.open()
    assert log.size == 700
    await grown(log, 100, 700)
    second = await log.sign()
    proof = await log.tree.consistency(700, 800)
    old, new = head(first), head(second)
    assert verify.consistent(700, old.root, 800, new.root, proof)
    assert await damages(store, VERIFIERS) == []
    await log.close()


async def test_it_died_between_the_anchor_and_the_note(tmp_path: Path) -> None:
    log, store = new_log(tmp_path)
    await log.open()
    await grown(log, 5)
    signed = await log.sign()
    await store.put_note(SIGNED, b"")
    again, _ = new_log(tmp_path, store)
    await again.open()
    assert await store.note(SIGNED) == bytes(signed or b"")


async def test_without_its_anchor_a_log_signs_nothing(tmp_path: Path) -> None:
    log, store = new_log(tmp_path)
    await log.open()
    await grown(log, 5)
    await log.sign()
    (tmp_path / "anchor").unlink()
    again, _ = new_log(tmp_path, store)
    await again.open()
    await grown(again, 1)
    with pytest.raises(Conflict, match="anchor"):
        await again.sign()
    await again.adopt()
    assert head(await again.sign()).size == 6


async def test_a_store_put_back_under_a_running_log_is_not_signed(tmp_path: Path) -> None:
    log, store = new_log(tmp_path)
    await log.open()
    await grown(log, 4)
    assert isinstance(store, MemoryLedger)
    old = {name: _copied(value) for name, value in store.__dict__.items()}
    await grown(log, 6, 4)
    await log.sign()
    store.__dict__.update(old)
    await grown(log, 1, 50)
    with pytest.raises(Conflict, match="10 leaves was signed, and here are 5"):
        await log.sign()
    for start in (60, 70):  # as many as were signed, and more
        await grown(log, 5, start)
        with pytest.raises(Fault, match="changed"):
            await log.sign()


async def test_the_hashes_of_an_anchor_are_those_of_its_checkpoint(tmp_path: Path) -> None:
    log, _ = new_log(tmp_path)
    await log.open()
    await grown(log, 4)
    await log.sign()
    file = AnchorFile(tmp_path / "anchor")
    good = file.load()
    assert good
    file.save(Anchor(good.signed, Frontier(4, (b"x" * 32,))))
    with pytest.raises(Fault, match="its hashes"):
        file.load()
    (tmp_path / "anchor").unlink()
    (tmp_path / "anchor").mkdir()
    with pytest.raises(Fault, match="cannot be written"):
        file.save(good)


async def test_witnesses_that_lag_are_remembered_over_a_restart(tmp_path: Path) -> None:
    """The log is opened, signs before it asks anybody, and is lost then: they can follow."""
    town = Town(tmp_path)
    log, store = new_log(tmp_path)
    await log.open()
    await grown(log, 3)
    await log.sign()
    old = _backup(store)
    await grown(log, 300, 3)
    await log.sign()
    assert await log.cosign(town.asking())
    log, _ = new_log(tmp_path, store)
    await log.open()
    await grown(log, 50, 400)
    await log.sign()
    log, _ = new_log(tmp_path, old)
    await log.open()
    await log.sign()
    assert await log.cosign(town.asking())


@pytest.mark.parametrize("data", [b"", b"{}", b'{"checkpoint": "x", "frontier": [], "bridge": []}'])
async def test_a_damaged_anchor_is_told(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "anchor").write_bytes(data)
    log, _ = new_log(tmp_path)
    with pytest.raises(Fault, match="damaged"):
        await log.open()


async def test_an_anchor_of_another_log_is_refused(tmp_path: Path) -> None:
    other = Identity((keys.generate("other.example/log", keys.Kind.ED25519),))
    log, store = new_log(tmp_path, identity=other)
    await log.open()
    await grown(log, 2)
    await log.sign()
    again, _ = new_log(tmp_path, store)
    with pytest.raises(Fault, match="not signed by this log"):
        await again.open()


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    kept=st.integers(0, 600), more=st.integers(1, 400), unsigned=st.integers(0, 40),
    uncosigned=st.integers(0, 40), after=st.integers(0, 300),
)  # fmt: skip
async def test_a_restored_log_goes_on_behind_what_it_signed(
    tmp_path_factory: pytest.TempPathFactory,
    kept: int,
    more: int,
    unsigned: int,
    uncosigned: int,
    after: int,
) -> None:
    """A backup is put back under a log that signed more than the backup has."""
    folder = tmp_path_factory.mktemp("log")
    town = Town(folder)
    asking = town.asking()
    log, store = new_log(folder)
    await log.open()
    await grown(log, kept)
    await log.sign()
    await log.cosign(asking)
    survivors = await grown(log, unsigned, 10_000)
    copy = _backup(store)
    await grown(log, more, 20_000)
    before = await log.sign()
    await log.cosign(asking)
    await grown(log, uncosigned, 25_000)
    before = await log.sign() or before
    size = head(before).size

    log, _ = new_log(folder, copy)
    await log.open()
    assert log.size == size + 1 + unsigned
    await grown(log, after, 30_000)
    done = head(await log.sign())
    cosigned = await log.cosign(asking)
    assert cosigned is not None, "witnesses see a tree that only grew"
    proof = await log.tree.consistency(size, done.size)
    assert verify.consistent(size, head(before).root, done.size, done.root, proof)

    reading = Reading(copy, cosigned=True)
    believed = verify.read_policy(town.policy())
    (_, epoch), *_ = await copy.entries(size, 1)
    fields = leaf.read(Kind.EPOCH, epoch.leaf[2:])
    assert (fields["kept"], fields["size"]) == (str(kept), str(size))
    assert fields["root"] == head(before).root.hex()
    shown = leaf.Opening(Kind.EPOCH, epoch.leaf[2:])
    found = verify.verify_receipt(bytes(await reading.receipt(size, shown)), believed)
    assert found.statement == fields
    for number in {0, kept // 2, kept - 1} if kept else set():
        verify.verify_receipt(bytes(await reading.receipt(number)), believed)
    for at, one in enumerate(survivors):
        receipt = await reading.receipt(kept + at)
        assert receipt.index == size + 1 + at, "what survived stands again behind the epoch leaf"
        assert one.entry in receipt.extra
        verify.verify_receipt(bytes(receipt), believed)
    if unsigned < more + uncosigned:
        with pytest.raises(NotFound, match="lost"):
            await reading.receipt(size - 1)
    assert await damages(copy, VERIFIERS) == []


def _copied(value: object) -> object:
    return value.copy() if isinstance(value, dict | list) else value


def _backup(store: LedgerStore) -> MemoryLedger:
    copy = MemoryLedger()
    copy.__dict__.update({name: _copied(value) for name, value in store.__dict__.items()})
    return copy


async def test_what_no_witness_saw_counts_as_lost_and_stands_again(tmp_path: Path) -> None:
    """The backup has a checkpoint that was not cosigned: nobody outside would take it."""
    town = Town(tmp_path)
    log, store = new_log(tmp_path)
    await log.open()
    await grown(log, 3)
    await log.sign()
    old = _backup(store)
    await grown(log, 4, 3)
    await log.sign()
    assert await log.cosign(town.asking())
    log, _ = new_log(tmp_path, old)
    await log.open()
    await log.sign()
    assert await log.cosign(town.asking())
    receipt = await Reading(old, cosigned=True).receipt(1)
    assert receipt.index == 9
    verify.verify_receipt(bytes(receipt), verify.read_policy(town.policy()))


async def test_leaves_keep_their_number_through_losses_inside_of_losses(tmp_path: Path) -> None:
    """No witness ever saw this log, so each loss is of all of it, the earlier holes too."""
    log, store = new_log(tmp_path)
    await log.open()
    first = await grown(log, 10)
    await log.sign()
    old = _backup(store)
    await grown(log, 10, 100)
    await log.sign()
    log, store = new_log(tmp_path, old)
    await log.open()
    assert await damages(store, VERIFIERS) == [], "its newest checkpoint is the one that was lost"
    assert log.size == 31
    second = await grown(log, 5, 200)
    old = _backup(store)
    await grown(log, 4, 300)
    await log.sign()
    log, store = new_log(tmp_path, old)
    await log.open()
    losses = await store.losses()
    assert [(loss.kept, loss.size, loss.again) for loss in losses] == [(0, 20, 10), (0, 40, 16)]
    entries = {number: entry.leaf for number, entry in await store.entries(0, 100)}
    for number, leaf_ in [*enumerate(first), *enumerate(second, 31)]:
        assert entries[place_now(number, losses)] == leaf_.entry
    assert place_now(20, losses) == 41, "the first epoch leaf stands behind the second"
    for number in (10, 19, 36, 39):
        with pytest.raises(NotFound, match="lost"):
            place_now(number, losses)
    assert place_now(57, losses) == 57
    assert await damages(store, VERIFIERS) == []


@pytest.mark.parametrize("restarted", [True, False])
async def test_witnesses_at_several_trees_can_all_follow_after_a_loss(
    tmp_path: Path, restarted: bool
) -> None:
    """Each saw another checkpoint, the log was perhaps restarted since, and then lost."""
    town = Town(tmp_path)
    log, store = new_log(tmp_path)
    await log.open()
    old = _backup(store)
    for at, down in enumerate(({"w2", "w3"}, {"w1", "w3"}, {"w1", "w2"})):
        town.down = down
        await grown(log, 77, 100 * at)
        await log.sign()
        assert await log.cosign(town.asking("3")) is None
        if restarted:
            log, _ = new_log(tmp_path, store)
            await log.open()
    await grown(log, 5, 900)
    await log.sign()
    town.down = set()
    log, _ = new_log(tmp_path, old)
    await log.open()
    await log.sign()
    assert await log.cosign(town.asking("3"))


async def test_leaves_that_were_never_signed_do_not_stand_for_those_that_were(
    tmp_path: Path,
) -> None:
    """The backup goes on otherwise than the log did: its tiles are cut where they part."""
    log, store = new_log(tmp_path, witnessed=False)
    await log.open()
    await grown(log, 4)
    await log.sign()
    other, copy = new_log(tmp_path, _backup(store), witnessed=False)
    await other.open()
    await grown(other, 252, 2_000)
    await grown(log, 300, 1_000)
    await log.sign()
    log, _ = new_log(tmp_path, copy, witnessed=False)
    await log.open()
    await log.sign()
    believed = verify.read_policy(f"log {VERIFIERS[0]}\nquorum none\n".encode())
    for number in range(8):
        receipt = await Reading(copy, cosigned=False).receipt(number)
        verify.verify_receipt(bytes(receipt), believed)
    assert await damages(copy, VERIFIERS) == []


async def test_a_log_is_lost_twice(tmp_path: Path) -> None:
    log, store = new_log(tmp_path, witnessed=False)
    await log.open()
    await grown(log, 300)
    await log.sign()
    for time in (1, 2):
        copy = _backup(store)
        await grown(log, 350 * time, 1_000 * time)
        await log.sign()
        store = copy
        log, _ = new_log(tmp_path, store, witnessed=False)
        await log.open()
        await grown(log, 5, 5_000 * time)
        await log.sign()
        assert await damages(store, VERIFIERS) == []
    reading = Reading(store, cosigned=False)
    believed = verify.read_policy(f"log {VERIFIERS[0]}\nquorum none\n".encode())
    for number in (0, 299, log.size - 1):
        verify.verify_receipt(bytes(await reading.receipt(number)), believed)
    with pytest.raises(NotFound):
        await reading.receipt(310)


async def test_a_receipt_waits_for_a_checkpoint(tmp_path: Path) -> None:
    log, store = new_log(tmp_path)
    await log.open()
    await grown(log, 3)
    reading = Reading(store, cosigned=False)
    with pytest.raises(Busy):
        await reading.receipt(1)
    await log.sign()
    leaves = await store.entries(1, 1)
    opening = leaf.opened(leaf.Sealed(leaves[0][1].leaf, leaves[0][1].salt), said(1), SECRET)
    assert opening is not None
    believed = verify.read_policy(f"log {VERIFIERS[0]}\nquorum none\n".encode())
    found = verify.verify_receipt(bytes(await reading.receipt(1, opening)), believed)
    assert found.statement == {name: str(value) for name, value in said(1).items()}
    with pytest.raises(NotFound, match="not the leaf"):
        await reading.receipt(2, opening)
    for number in (3, -1):
        with pytest.raises(NotFound):
            await reading.receipt(number)
    with pytest.raises(Busy):
        await Reading(store, cosigned=True).receipt(1)


async def test_erasure_leaves_a_log_that_verifies(tmp_path: Path) -> None:
    """The salt is gone, an erase leaf says so; the leaf opens for nobody, the tree is whole."""
    log, store = new_log(tmp_path)
    await log.open()
    await grown(log, 10)
    await log.sign()
    assert await store.erase([4]) == 1
    gone = {"tenant": 1, "leaves": 1, "recorded": clock(), "sha256": "0" * 64}
    await log.append([leaf.seal(Kind.ERASE, gone, SECRET)])
    await log.sign()
    (_, entry), *_ = await store.entries(4, 1)
    assert leaf.opened(leaf.Sealed(entry.leaf, entry.salt), said(4), SECRET) is None
    believed = verify.read_policy(f"log {VERIFIERS[0]}\nquorum none\n".encode())
    reading = Reading(store, cosigned=False)
    found = verify.verify_receipt(bytes(await reading.receipt(4)), believed)
    assert (found.kind, found.statement) == ("version", {})
    assert await damages(store, VERIFIERS) == []


async def test_what_is_erased_is_not_in_the_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Byte by byte, in files that are not encrypted for once, while the log is open."""

    def in_clear(path: Path, key: bytes, **_: object) -> Any:
        connection = dbapi2.connect(str(path), isolation_level=None, check_same_thread=False)
        connection.execute("PRAGMA journal_mode = WAL")
        return connection

    monkeypatch.setattr("careplane.storage.engines.sqlite.ledger.connect", in_clear)
    store = sqlite.open_ledger(tmp_path, SECRET)
    log, _ = new_log(tmp_path, store)
    await log.open()
    leaves = await grown(log, 400)

    def found() -> set[int]:
        data = b"".join(path.read_bytes() for path in tmp_path.glob("ledger.sqlite*"))
        return {at for at, one in enumerate(leaves) if one.salt in data}

    assert found() == set(range(400))
    await store.erase(range(100, 300))
    assert found() == {*range(100), *range(300, 400)}
    await log.close()


async def test_paths_of_tlog_tiles(tmp_path: Path) -> None:
    log, store = new_log(tmp_path)
    await log.open()
    leaves = await grown(log, 300)
    reading = Reading(store, cosigned=False)
    with pytest.raises(NotFound, match="no checkpoint"):
        await reading.resource("checkpoint")
    await log.sign()
    await grown(log, 20, 300)
    assert head(note.parse(await reading.resource("checkpoint"))).size == 300
    hashes = [leaf_hash(one.entry) for one in leaves]
    assert await reading.resource("tile/0/000") == b"".join(hashes[:256])
    assert await reading.resource("tile/0/001.p/44") == b"".join(hashes[256:])
    assert await reading.resource("tile/1/000.p/1") == Frontier().extend(hashes[:256]).hashes[0]
    bundle = await reading.resource("tile/entries/001.p/44")
    assert bundle == b"".join(len(o.entry).to_bytes(2, "big") + o.entry for o in leaves[256:])
    for beyond in ("tile/0/001.p/45", "tile/0/001", "tile/2/000", "tile/entries/002"):
        with pytest.raises(NotFound):
            await reading.resource(beyond)


async def test_it_signs_by_itself(tmp_path: Path) -> None:
    town = Town(tmp_path)
    log, store = new_log(tmp_path)
    await log.open()
    busy, put = [True], store.put_note

    async def put_note(name: str, data: bytes) -> None:
        if busy.pop() if busy else False:
            raise Full("The disk is full")
        await put(name, data)

    store.put_note = put_note  # type: ignore[method-assign]
    running = asyncio.create_task(log.run(town.asking(), every=0.02))
    await grown(log, 3)
    while busy:
        await asyncio.sleep(0.01)
    await grown(log, 3, 3)
    async with asyncio.timeout(5):
        while not await store.note(COSIGNED):
            await asyncio.sleep(0.01)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running


def test_an_identity_has_one_name_and_signs_as_a_log() -> None:
    ed, pq = (keys.generate(ORIGIN, kind) for kind in keys.LOG_KINDS)
    assert Identity((ed, pq)).origin == ORIGIN
    for wrong in ((), (keys.generate("other", keys.Kind.ED25519), pq),
                  (keys.generate(ORIGIN, keys.Kind.COSIGNATURE),)):  # fmt: skip
        with pytest.raises(Incorrect):
            Identity(wrong)


async def test_ml_dsa_beside_ed25519(tmp_path: Path) -> None:
    identity = Identity(tuple(keys.generate(ORIGIN, kind) for kind in keys.LOG_KINDS))
    log, store = new_log(tmp_path, identity=identity)
    await log.open()
    await grown(log, 3)
    await log.sign()
    receipt = bytes(await Reading(store, cosigned=False).receipt(1))
    for one in identity.signers:
        verify.verify_receipt(
            receipt, verify.read_policy(f"log {one.verifier}\nquorum none\n".encode())
        )


async def test_a_node_goes_on_from_what_another_has_signed(tmp_path: Path) -> None:
    """Each has an anchor of its own; that of the one that rested is older."""
    first, store = new_log(tmp_path)
    await first.open()
    await grown(first, 10)
    await first.sign()
    other = tmp_path / "other"
    other.mkdir()
    shutil.copy(tmp_path / "anchor", other / "anchor")
    await grown(first, 10, 10)
    signed = await first.sign()
    assert signed is not None
    second, _ = new_log(other, store)
    await second.open()
    assert await store.note(SIGNED) == bytes(signed), "nothing older is shown again"
    await grown(second, 5, 20)
    newer = await second.sign()
    assert newer is not None
    assert checkpoint.parse(newer.text).size == 25
    assert await store.losses() == []
