"""A copy of another log holds what was verified, and nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest

from careplane.kernel.errors import Conflict, Fault, Incorrect
from careplane.ledger.formats import checkpoint, keys, note
from careplane.ledger.log import SIGNED
from careplane.ledger.merkle.frontier import Frontier
from careplane.ledger.merkle.hashes import leaf_hash
from careplane.ledger.merkle.tiles import grow
from careplane.ledger.mirroring import EVIDENCE, mirrored
from careplane.ledger.reading import Reading
from careplane.storage.engines.memory import MemoryLedger
from careplane.storage.ports.ledger import Batch, Entry
from tests.unit.ledger.logs import IDENTITY, NOW, ORIGIN, grown, new_log, sealed

pytestmark = pytest.mark.anyio
VERIFIERS = [one.verifier for one in IDENTITY.signers]


async def other(*numbers: int, signer: keys.Signer | None = None) -> Reading:
    """A log of these leaves, signed by the same key."""
    leaves = [one.entry for one in sealed(*numbers)]
    hashes = [leaf_hash(one) for one in leaves]
    store = MemoryLedger()
    rows = list(grow(0, hashes, lambda _: b"").items())
    await store.append(Batch(0, [Entry(one, b"") for one in leaves], rows))
    text = checkpoint.Checkpoint(ORIGIN, len(leaves), Frontier().extend(hashes).root()).text
    signed = note.Note(text, ((signer or IDENTITY.signers[0]).sign(text, NOW),))
    await store.put_note(SIGNED, bytes(signed))
    return Reading(store, cosigned=False)


def kept(folder: Path) -> dict[str, bytes]:
    files = (path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


@pytest.mark.parametrize("sizes", [(1, 3), (255, 256, 257), (300, 300, 900), (66_000, 66_100)])
async def test_a_copy_grows_with_the_log(tmp_path: Path, sizes: tuple[int, ...]) -> None:
    log, store = new_log(tmp_path)
    await log.open()
    copy, reading = tmp_path / "copy", Reading(store, cosigned=False)
    for size in sizes:
        while log.size < size:
            await grown(log, min(1_000, size - log.size), log.size)
        await log.sign()
        assert (await mirrored(reading.resource, copy, VERIFIERS)).size == size
        found = kept(copy)
        assert found["checkpoint"] == await reading.resource("checkpoint")
        for path, data in found.items():
            assert await reading.resource(path) == data, path
        assert f"tile/entries/{(size - 1) // 256:03d}" in "".join(found)


CHANGED = {
    "a leaf is another": (lambda n: [*range(300), 9_999, *range(301, n)], 700, "does not continue"),
    "it is shorter": (range, 500, "shows 500 leaves, and 600"),
    "all of it is another": (lambda n: range(5_000, 5_000 + n), 600, "does not continue"),
}  # fmt: skip


@pytest.mark.parametrize("how", CHANGED)
async def test_a_log_that_was_rewritten_does_not_get_into_the_copy(
    tmp_path: Path, how: str
) -> None:
    numbers, size, says = CHANGED[how]
    await mirrored((await other(*range(600))).resource, tmp_path, VERIFIERS)
    before = kept(tmp_path)
    changed = await other(*numbers(size))
    for path in tmp_path.glob("tile/entries/*"):
        path.unlink() if path.is_file() else None
    entries = kept(tmp_path)
    with pytest.raises(Conflict, match=says):
        await mirrored(changed.resource, tmp_path, VERIFIERS)
    after = kept(tmp_path)
    assert after.pop(EVIDENCE) == await changed.resource("checkpoint")
    after = {path: data for path, data in after.items() if not path.startswith(".fresh")}
    assert after == entries
    assert after["checkpoint"] == before["checkpoint"]


async def test_leaves_that_are_not_those_of_the_checkpoint_are_refused(tmp_path: Path) -> None:
    right, wrong = await other(*range(600)), await other(*range(1_000, 1_600))

    async def mixed(path: str) -> bytes:
        return await (wrong if path == "tile/entries/001" else right).resource(path)

    with pytest.raises(Conflict, match="another tree than that of its leaves"):
        await mirrored(mixed, tmp_path, VERIFIERS)
    assert "checkpoint" not in kept(tmp_path)


async def test_another_signer_and_nonsense_are_refused(tmp_path: Path) -> None:
    thief = keys.Signer(ORIGIN, keys.Kind.ED25519, b"\7" * 32)
    with pytest.raises(Fault, match="not signed by this log"):
        await mirrored((await other(1, 2, signer=thief)).resource, tmp_path, VERIFIERS)

    async def nonsense(path: str) -> bytes:
        return b"\0" * 10

    with pytest.raises(Incorrect):
        await mirrored(nonsense, tmp_path, VERIFIERS)
    assert kept(tmp_path) == {}
