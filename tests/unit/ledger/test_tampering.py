"""Somebody with every right on the machine changes the log. Each way is found, and by whom.

`scrub` looks through the store; `open` compares it with the anchor; a `witness` compares it with
what it saw; an outsider has a receipt and `verify.py`.
"""

from __future__ import annotations

import contextlib
from pathlib import Path

import pytest

from careplane.kernel.errors import CareplaneError, Conflict, Fault
from careplane.ledger import leaf, verify
from careplane.ledger.anchor import Anchor, AnchorFile
from careplane.ledger.formats import checkpoint, keys, note
from careplane.ledger.leaf import Kind
from careplane.ledger.log import COSIGNED, SIGNED, Log
from careplane.ledger.merkle.frontier import Frontier
from careplane.ledger.merkle.hashes import leaf_hash
from careplane.ledger.merkle.tiles import grow
from careplane.ledger.reading import Reading
from careplane.ledger.scrub import damages
from careplane.ledger.witness.witness import StateFile
from careplane.storage.engines.sqlite.connection import connect, key_for
from careplane.storage.engines.sqlite.ledger import SqliteLedger
from careplane.storage.ports.ledger import Batch, Entry
from tests.unit.ledger.logs import IDENTITY, NOW, ORIGIN, SECRET, Town, grown, new_log, sealed

pytestmark = pytest.mark.anyio
COUNT = 600
VERIFIERS = [one.verifier for one in IDENTITY.signers]


class Scene:
    """A log of 600 leaves that witnesses cosigned, closed; and the file open to somebody else."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.town = Town(folder)

    async def set(self) -> Scene:
        log = await self.opened()
        await grown(log, COUNT)
        await log.sign()
        await log.cosign(self.town.asking())
        self.receipt = bytes(await self.reading.receipt(77))
        await log.close()
        return self

    async def opened(self) -> Log:
        self.store = SqliteLedger(self.folder, SECRET)
        self.reading = Reading(self.store, cosigned=True)
        log, _ = new_log(self.folder, self.store)
        await log.open()
        return log

    def sql(self, *statements: str) -> None:
        connection = connect(self.folder / "ledger.sqlite", key_for("ledger", SECRET))
        connection.create_function("flip", 2, _flipped)
        for one in statements:
            connection.execute(one)
        connection.close()

    async def scrubbed(self) -> list[str]:
        store = SqliteLedger(self.folder, SECRET)
        try:
            return await damages(store, VERIFIERS)
        finally:
            await store.close()

    async def rewritten(self, leaves: list[leaf.Sealed], signer: keys.Signer | None = None) -> None:
        """The whole log made anew, tiles and all, signed with the stolen key; the anchor too."""
        (self.folder / "ledger.sqlite").unlink()
        store = SqliteLedger(self.folder, SECRET)
        hashes = [leaf_hash(one.entry) for one in leaves]
        entries = [Entry(one.entry, one.salt) for one in leaves]
        await store.append(Batch(0, entries, list(grow(0, hashes, lambda _: b"").items())))
        frontier = Frontier().extend(hashes)
        text = checkpoint.Checkpoint(ORIGIN, len(leaves), frontier.root()).text
        signed = note.Note(text, ((signer or IDENTITY.signers[0]).sign(text, NOW),))
        await store.put_note(SIGNED, bytes(signed))
        await store.close()
        AnchorFile(self.folder / "anchor").save(Anchor(signed, frontier))


@pytest.fixture
async def scene(tmp_path: Path) -> Scene:
    return await Scene(tmp_path).set()


async def test_a_log_that_nobody_touched_is_well(scene: Scene) -> None:
    assert await scene.scrubbed() == []
    log = await scene.opened()
    await grown(log, 50, 9_000)
    await log.sign()
    assert await log.cosign(scene.town.asking())
    await log.close()
    assert await scene.scrubbed() == []


SWAP = (
    "UPDATE entry SET number = -1 WHERE number = 5",
    "UPDATE entry SET number = 5 WHERE number = 400",
    "UPDATE entry SET number = 400 WHERE number = -1",
)  # fmt: skip


def _flipped(data: bytes, at: int) -> bytes:
    return data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]


FLIP = "flip({c}, {at})"
BY_SQL: dict[str, tuple[tuple[str, ...], str]] = {
    "flip a bit of a leaf": (
        (f"UPDATE entry SET leaf = {FLIP.format(c='leaf', at=20)} WHERE number = 77",),
        "Leaf 77 is not the one",
    ),
    "put another leaf": (
        ("UPDATE entry SET leaf = (SELECT leaf FROM entry WHERE number = 3) WHERE number = 4",),
        "Leaf 4 is not the one",
    ),
    "swap two leaves": (SWAP, "Leaf 400 is not the one"),
    "delete a leaf": (("DELETE FROM entry WHERE number = 123",), "Leaf 123 is missing"),
    "delete the last leaf": (("DELETE FROM entry WHERE number = 599",), "Leaf 599 is missing"),
    "delete the last leaf, and say so": (
        ("DELETE FROM entry WHERE number = 599", "UPDATE head SET size = 599"),
        "of 600 leaves, and there are 599",
    ),
    "insert a leaf at the end": (
        ("INSERT INTO entry SELECT 600, leaf, salt, said FROM entry WHERE number = 1",),
        "behind the 600",
    ),
    "insert a leaf at the end, and say so": (
        ("INSERT INTO entry SELECT 600, leaf, salt, said FROM entry WHERE number = 1",
         "UPDATE head SET size = 601"),
        "Leaf 600 is not the one",
    ),
    "insert a leaf between": (
        ("UPDATE entry SET number = number + 1000 WHERE number >= 50",
         "UPDATE entry SET number = number - 999 WHERE number >= 1050",
         "INSERT INTO entry SELECT 50, leaf, salt, said FROM entry WHERE number = 1"),
        "Leaf 50 is not the one",
    ),
    "reorder all": (
        ("UPDATE entry SET number = -1 - number", "UPDATE entry SET number = number + 600"),
        "Leaf 0 is not the one",
    ),
    "a leaf of no form, with its hash": (
        ("UPDATE entry SET leaf = x'' WHERE number = 9",), "Leaf 9 is not the one",
    ),
    "flip a hash of a full tile": (
        (f"UPDATE tile SET hashes = {FLIP.format(c='hashes', at=70)} WHERE place = 0",),
        "Leaf 2 is not the one",
    ),
    "flip a hash of the last tile": (
        (f"UPDATE tile SET hashes = {FLIP.format(c='hashes', at=70)} WHERE place = 2",),
        "Leaf 514 is not the one",
    ),
    "flip a hash above": (
        (f"UPDATE tile SET hashes = {FLIP.format(c='hashes', at=40)} WHERE place = 1 << 56",),
        "Tile 1 of level 0",
    ),
    "delete a tile": (("DELETE FROM tile WHERE place = 1",), "Leaf 256 is not the one"),
    "cut a tile": (
        ("UPDATE tile SET hashes = substr(hashes, 1, 4096) WHERE place = 1",),
        "Leaf 384 is not the one",
    ),
    "put zeros for a hash": (
        ("UPDATE tile SET hashes = CAST(substr(hashes, 1, 32) || zeroblob(32) || "
         "substr(hashes, 65) AS BLOB) WHERE place = 0",),
        "Leaf 1 is not the one",
    ),
    "claim that leaves were lost": (
        ("DELETE FROM entry WHERE number BETWEEN 100 AND 110",
         "INSERT INTO loss VALUES (111, 100, 0, x'90', x'')"),
        "no epoch leaf",
    ),
    "a stored checkpoint of another root": (
        ("UPDATE note SET data = CAST(replace(data, substr(data, 30, 4), 'AAAA') AS BLOB)",),
        "not of this text",
    ),
    "a stored checkpoint that is garbage": (("UPDATE note SET data = x'00'",), "control"),
    "a checkpoint of another log": (
        ("UPDATE note SET data = x'" + bytes(
            note.Note(text := f"other.example/log\n600\n{'A' * 43}=\n",
                      (keys.Signer("other.example/log", keys.Kind.ED25519, b"\2" * 32)
                       .sign(text, 0),))).hex() + "'",),
        "not signed by this log",
    ),
}  # fmt: skip


@pytest.mark.parametrize("how", BY_SQL)
async def test_a_change_of_the_file_is_found_by_a_scrub(scene: Scene, how: str) -> None:
    statements, says = BY_SQL[how]
    scene.sql(*statements)
    found = await scene.scrubbed()
    assert any(says in one for one in found), found


@pytest.mark.parametrize(
    "how",
    [
        "flip a hash of the last tile", "flip a hash above", "delete the last leaf, and say so",
    ],
)  # fmt: skip
async def test_a_change_of_the_tree_is_found_when_the_log_is_opened(scene: Scene, how: str) -> None:
    scene.sql(*BY_SQL[how][0])
    with pytest.raises(Fault, match="changed"):
        await scene.opened()
    await scene.store.close()


async def test_leaves_and_tiles_made_anew_are_found_when_the_log_is_opened(scene: Scene) -> None:
    """With the anchor as it was: on another disk, or of another owner."""
    anchor = (scene.folder / "anchor").read_bytes()
    await scene.rewritten(sealed(*range(1_000, 1_000 + COUNT)))
    (scene.folder / "anchor").write_bytes(anchor)
    with pytest.raises(Fault, match="changed"):
        await scene.opened()
    await scene.store.close()


REWRITTEN = {
    "one leaf changed": (lambda old: [*old[:300], *sealed(1_234), *old[301:]], "with 422"),
    "one left out": (lambda old: [*old[:300], *old[301:]], "knows a tree of 600"),
    "one back-dated": (lambda old: [*old[:300], *sealed(1_234), *old[300:]], "with 422"),
    "two in another order": (lambda old: [old[1], old[0], *old[2:]], "with 422"),
    "all of it": (lambda old: sealed(*range(1_000, 1_900)), "with 422"),
    "of the same length": (lambda old: [*sealed(1_234), *old[1:]], "with 409"),
}  # fmt: skip


@pytest.mark.parametrize("how", REWRITTEN)
async def test_a_log_made_anew_with_the_stolen_key_gets_no_cosignature(
    scene: Scene, how: str
) -> None:
    """Leaves, tiles, checkpoint and anchor fit; only who is outside knows better."""
    change, says = REWRITTEN[how]
    store = SqliteLedger(scene.folder, SECRET)
    old = [leaf.Sealed(e.leaf, e.salt) for _, e in await store.entries(0, COUNT)]
    await store.close()
    new = change(old)
    await scene.rewritten(new)
    if how not in ("of the same length", "one left out"):
        await scene.rewritten([*new, *sealed(5_000)])
    assert await scene.scrubbed() == [], "from inside all is well"
    log = await scene.opened()
    asking = scene.town.asking()
    with contextlib.suppress(Conflict):
        assert await log.cosign(asking) is None
    assert len(asking.problems) == 3
    assert all(says in problem for problem in asking.problems.values())
    assert await scene.store.note(COSIGNED) == b""
    await log.close()
    policy = verify.read_policy(scene.town.policy())
    assert verify.verify_receipt(scene.receipt, policy).index == 77, "the old receipt still holds"


async def test_a_checkpoint_without_witnesses_proves_nothing(scene: Scene) -> None:
    """The log's key was stolen, and the receipt is of the thief's own tree."""
    await scene.rewritten(sealed(*range(10)))
    log = await scene.opened()
    receipt = bytes(await Reading(scene.store, cosigned=False).receipt(3))
    await log.close()
    with pytest.raises(verify.Refused, match="not enough witnesses"):
        verify.verify_receipt(receipt, verify.read_policy(scene.town.policy()))


async def test_cosignatures_of_an_old_checkpoint_do_not_fit_a_new_one(scene: Scene) -> None:
    store = SqliteLedger(scene.folder, SECRET)
    old = note.parse(await store.note(COSIGNED))
    await store.close()
    await scene.rewritten(sealed(*range(2_000, 2_000 + COUNT)))
    log = await scene.opened()
    signed = note.parse(await scene.store.note(SIGNED))
    forged = note.Note(signed.text, (*signed.signatures, *old.signatures[1:]))
    await scene.store.put_note(COSIGNED, bytes(forged))
    receipt = bytes(await scene.reading.receipt(3))
    await log.close()
    with pytest.raises(verify.Refused, match="does not hold"):
        verify.verify_receipt(receipt, verify.read_policy(scene.town.policy()))


async def test_a_replayed_checkpoint_does_not_prove_that_the_log_grew(scene: Scene) -> None:
    store = SqliteLedger(scene.folder, SECRET)
    early = await store.note(COSIGNED)
    await store.close()
    log = await scene.opened()
    await grown(log, 10, 9_000)
    await log.sign()
    later = await log.cosign(scene.town.asking())
    policy = verify.read_policy(scene.town.policy())
    growth = await scene.reading.growth(COUNT)
    cosigned = growth.__class__(growth.old, growth.proof, later or growth.checkpoint)
    verify.verify_consistency(early, bytes(cosigned), policy)
    replayed = growth.__class__(COUNT + 10, (), note.parse(early))
    with pytest.raises(verify.Refused, match="does not continue"):
        verify.verify_consistency(bytes(later or b""), bytes(replayed), policy)
    replayed = growth.__class__(COUNT, growth.proof, note.parse(early))
    with pytest.raises(verify.Refused):
        verify.verify_consistency(bytes(later or b""), bytes(replayed), policy)
    await log.close()


async def test_a_rolled_back_store_cannot_hide_what_was_signed(scene: Scene) -> None:
    """The files are put back to yesterday's: an epoch leaf tells everybody."""
    before = {p: p.read_bytes() for p in scene.folder.glob("ledger.sqlite*")}
    log = await scene.opened()
    await grown(log, 10, 9_000)
    await log.sign()
    await log.cosign(scene.town.asking())
    await log.close()
    for path in scene.folder.glob("ledger.sqlite*"):
        path.unlink()
    for path, data in before.items():
        path.write_bytes(data)
    log = await scene.opened()
    (number, entry), *_ = await scene.store.entries(COUNT, 1)
    assert (number, leaf.kind_of(entry.leaf)) == (COUNT + 10, Kind.EPOCH)
    assert leaf.read(Kind.EPOCH, entry.leaf[2:])["size"] == str(COUNT + 10)
    await log.sign()
    assert await log.cosign(scene.town.asking())
    await log.close()
    assert await scene.scrubbed() == []


async def test_an_anchor_that_was_put_back_does_not_let_the_log_sign_two_trees(
    scene: Scene,
) -> None:
    """One of the same size as a witness knows, from another line of history."""
    await scene.rewritten(sealed(*range(3_000, 3_000 + COUNT)))
    log = await scene.opened()
    asking = scene.town.asking()
    assert await log.cosign(asking) is None
    assert all("409" in problem for problem in asking.problems.values())
    await log.close()


async def test_a_forged_anchor_is_found(scene: Scene) -> None:
    thief = keys.Signer(ORIGIN, keys.Kind.ED25519, b"\7" * 32)
    hashes = [leaf_hash(b"x")] * 4_000
    frontier = Frontier().extend(hashes)
    text = checkpoint.Checkpoint(ORIGIN, 4_000, frontier.root()).text
    forged = Anchor(note.Note(text, (thief.sign(text, NOW),)), frontier)
    AnchorFile(scene.folder / "anchor").save(forged)
    with pytest.raises(CareplaneError, match="not signed by this log"):
        await scene.opened()
    await scene.store.close()


async def test_an_old_copy_of_a_witness_does_not_help_against_the_others(scene: Scene) -> None:
    """One of three was put back, or bought: it cosigns a second history, and two do not."""
    file = StateFile(scene.town.files["w1"])
    file.save(file.load()[0], {})
    scene.town.start()
    await scene.rewritten(sealed(*range(3_000, 3_000 + COUNT)))
    log = await scene.opened()
    assert await log.cosign(scene.town.asking()) is None
    await log.close()
