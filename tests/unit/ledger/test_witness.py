"""Witnesses: what they cosign, what they refuse, what they remember, and how a log asks them."""

from __future__ import annotations

import asyncio
import os
import stat
from pathlib import Path

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from careplane.kernel.errors import Conflict, Fault, NotFound
from careplane.ledger.formats import checkpoint, keys, note, submission
from careplane.ledger.formats.submission import Submission
from careplane.ledger.log import COSIGNED
from careplane.ledger.merkle.frontier import Frontier
from careplane.ledger.merkle.hashes import leaf_hash
from careplane.ledger.merkle.proofs import consistency_proof
from careplane.ledger.merkle.tiles import Hashes
from careplane.ledger.witness.server import application
from careplane.ledger.witness.witness import StateFile, Witness
from careplane.storage.engines.memory import MemoryLedger
from tests.unit.ledger import trees
from tests.unit.ledger.logs import IDENTITY, NOW, ORIGIN, Town, clock, grown, new_log

pytestmark = pytest.mark.anyio
LEAVES = [leaf_hash(b"%d" % n) for n in range(40)]
FORK = [*LEAVES[:5], *(leaf_hash(b"fork %d" % n) for n in range(35))]


def submit(
    old: int, size: int, leaves: list[bytes] = LEAVES, signer: keys.Signer = IDENTITY.signers[0]
) -> bytes:
    tree = trees.Kept()
    tree.append(leaves[:size])
    text = checkpoint.Checkpoint(signer.name, size, Frontier().extend(leaves[:size]).root()).text
    proof = consistency_proof(old, size, Hashes(tree.read)) if old <= size else ()
    return bytes(Submission(old, proof, note.Note(text, (signer.sign(text, NOW),))))


@pytest.fixture
def state(tmp_path: Path) -> StateFile:
    file = StateFile(tmp_path / "witness")
    file.make("w1.example")
    return file


def witness(state: StateFile) -> Witness:
    return Witness(state, [IDENTITY.signers[0].verifier], clock)


async def post(one: Witness, data: bytes) -> httpx.Response:
    transport = httpx.ASGITransport(app=application(one))
    async with httpx.AsyncClient(transport=transport, base_url="http://w") as client:
        return await client.post("/add-checkpoint", content=data)


async def test_a_witness_cosigns_what_continues_what_it_saw(state: StateFile) -> None:
    one = witness(state)
    for old, size in ((0, 5), (5, 5), (5, 17), (17, 40)):
        data = submit(old, size)
        answer = await post(one, data)
        assert (answer.status_code, answer.headers["content-type"]) == (
            200, "text/plain; charset=utf-8",
        )  # fmt: skip
        text = submission.parse(data).checkpoint.text
        lines = submission.parse_cosignatures(answer.content)
        found = keys.verified(note.Note(text, lines), one.verifiers)
        assert [(one.key.kind, one.timestamp) for one in found] == [
            (keys.Kind.COSIGNATURE, NOW), (keys.Kind.ML_DSA_44, NOW),
        ]  # fmt: skip


STRANGER = keys.generate("stranger.example/log", keys.Kind.ED25519)
THIEF = keys.generate(ORIGIN, keys.Kind.ED25519)
REFUSED = {
    "not a submission": (b"hello\n", 400, None),
    "an old size beyond the new one": (submit(18, 17), 400, None),
    "a log that it does not know": (submit(0, 3, signer=STRANGER), 404, None),
    "another key of the same name": (submit(17, 20, signer=THIEF), 403, None),
    "a proof from before": (submit(5, 20), 409, "17\n"),
    "a proof from nothing": (submit(0, 20), 409, "17\n"),
    "a rollback": (submit(5, 9), 409, "17\n"),
    "the same size with another root": (submit(17, 17, FORK), 409, None),
    "a fork": (submit(17, 20, FORK), 422, None),
    "no proof": (submit(17, 20).replace(b"old 17\n", b"old 17\n\n").split(b"\n\n")[0], 400, None),
    "a proof of something else": (
        submit(17, 20).replace(submit(17, 20).split(b"\n")[1], submit(16, 20).split(b"\n")[1]),
        422, None,
    ),
    "too much": (b"old 0\n" + b"x" * 200_000, 413, None),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
async def test_a_witness_refuses(state: StateFile, tmp_path: Path, name: str) -> None:
    data, status, body = REFUSED[name]
    one = witness(state)
    await one.add(submit(0, 17))
    before = (tmp_path / "witness").read_bytes()
    answer = await post(one, data)
    assert answer.status_code == status, answer.text
    kind = answer.headers["content-type"]
    assert (body is None) or (answer.text, kind) == (body, "text/x.tlog.size")
    assert "—" not in answer.text, "no signature"
    assert (tmp_path / "witness").read_bytes() == before
    assert (await post(witness(state), submit(17, 20))).status_code == 200


async def test_a_forged_signature_beside_a_good_one_is_refused(state: StateFile) -> None:
    good = submit(0, 3)
    bad = note.Signature(ORIGIN, IDENTITY.signers[0].verifier.key_id, b"\0" * 64)
    assert (await post(witness(state), good + str(bad).encode())).status_code == 403


async def test_other_addresses_and_methods(state: StateFile) -> None:
    transport = httpx.ASGITransport(app=application(witness(state)))
    async with httpx.AsyncClient(transport=transport, base_url="http://w") as client:
        assert (await client.get("/add-checkpoint")).status_code == 405
        assert (await client.get("/livez")).text == "live\n"
        assert (await client.post("/")).status_code == 404


async def test_a_witness_remembers(state: StateFile) -> None:
    await witness(state).add(submit(0, 17))
    again = witness(state)
    assert (await post(again, submit(0, 9))).status_code == 409
    assert (await post(again, submit(17, 20, FORK))).status_code == 422


async def test_what_is_not_on_the_disk_is_not_cosigned(
    state: StateFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = witness(state)
    await one.add(submit(0, 5))

    def full(*_: object) -> None:
        raise OSError("No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr("careplane.kernel.files.os.replace", full)
        answer = await post(one, submit(5, 9))
    assert (answer.status_code, "—" in answer.text) == (500, False)
    assert (await post(one, submit(5, 9, FORK))).status_code == 200, "it stands where it stood"


@settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    asked=st.lists(
        st.tuples(st.integers(0, 40), st.integers(0, 40), st.booleans()), min_size=2, max_size=12
    )
)
async def test_of_any_requests_at_once_one_history_is_cosigned(
    tmp_path_factory: pytest.TempPathFactory, asked: list[tuple[int, int, bool]]
) -> None:
    """All that was cosigned, in whatever order, is of one tree that grew."""
    file = StateFile(tmp_path_factory.mktemp("w") / "witness")
    file.make("w1.example")
    one = witness(file)

    async def add(old: int, size: int, forked: bool) -> tuple[int, bytes] | None:
        data = submit(min(old, size), size, FORK if forked else LEAVES)
        answer = await post(one, data)
        head = checkpoint.parse(submission.parse(data).checkpoint.text)
        return (head.size, head.root) if answer.status_code == 200 else None

    cosigned = {found for found in await asyncio.gather(*(add(*a) for a in asked)) if found}
    roots = [
        {(size, Frontier().extend(leaves[:size]).root()) for size, _ in cosigned}
        for leaves in (LEAVES, FORK)
    ]
    assert cosigned in roots


async def test_of_two_forks_at_once_one_is_cosigned(state: StateFile) -> None:
    one = witness(state)
    await one.add(submit(0, 5))
    answers = await asyncio.gather(
        *(post(one, submit(5, 20, leaves)) for leaves in (LEAVES, FORK) * 5)
    )
    codes = sorted(answer.status_code for answer in answers)
    assert codes[0] == 200
    assert codes.count(200) == 1, "the next ones prove from 5, and 20 is known by then"


def test_the_file_is_for_its_owner_and_for_one_process(state: StateFile, tmp_path: Path) -> None:
    assert stat.S_IMODE(os.stat(tmp_path / "witness").st_mode) == 0o600
    with pytest.raises(Conflict):
        state.make("w1.example")
    state.hold()
    other = StateFile(tmp_path / "witness")
    with pytest.raises(Conflict, match="Another process"):
        other.hold()
    state.release()
    other.hold()
    other.release()


def test_a_damaged_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(NotFound):
        StateFile(tmp_path / "none").load()
    for data in (b"", b"{}", b'{"signers": ["x"], "logs": {}}'):
        (tmp_path / "witness").write_bytes(data)
        with pytest.raises(Fault, match="damaged"):
            StateFile(tmp_path / "witness").load()


async def test_two_of_three_are_enough(tmp_path: Path) -> None:
    town = Town(tmp_path)
    log, store = new_log(tmp_path)
    asking = town.asking()
    await log.open()
    assert await log.cosign(asking) is None, "there is nothing to cosign"
    await grown(log, 300)
    await log.sign()
    town.down = {"w2"}
    done = await log.cosign(asking)
    assert done is not None
    assert [one.name for one in done.signatures] == [ORIGIN, "w1.example", "w3.example"]
    assert asking.problems == {"w2": "does not answer (ConnectError)"}
    assert await log.cosign(asking) is None, "it is cosigned already"
    await grown(log, 50, 300)
    await log.sign()
    town.down = {"w2", "w3"}
    assert await log.cosign(asking) is None
    assert note.parse(await store.note(COSIGNED)) == done, "the last that was cosigned stays"
    town.down = set()
    town.start()
    done = await log.cosign(town.asking())
    assert done is not None
    assert len(done.signatures) == 4, "w2 tells from where it wants the proof"


async def test_a_log_behind_its_witnesses_stops_to_sign(tmp_path: Path) -> None:
    """The whole machine was put back to an old copy, the anchor too."""
    town = Town(tmp_path)
    log, store = new_log(tmp_path)
    await log.open()
    await grown(log, 3)
    await log.sign()
    anchor = (tmp_path / "anchor").read_bytes()
    copy = MemoryLedger()
    copy.__dict__.update({n: v.copy() if isinstance(v, dict) else v
                          for n, v in store.__dict__.items()})  # fmt: skip
    await grown(log, 10, 3)
    await log.sign()
    assert await log.cosign(town.asking())
    (tmp_path / "anchor").write_bytes(anchor)
    log, _ = new_log(tmp_path, copy)
    await log.open()
    await grown(log, 1, 100)
    await log.sign()
    with pytest.raises(Conflict, match="larger tree"):
        await log.cosign(town.asking())
    await grown(log, 1, 101)
    with pytest.raises(Conflict, match="larger tree"):
        await log.sign()


async def test_a_cosignature_that_does_not_hold_is_not_kept(tmp_path: Path) -> None:
    town = Town(tmp_path)
    log, _ = new_log(tmp_path)
    await log.open()
    await grown(log, 3)
    await log.sign()
    asking = town.asking()
    keys_of = {name: one.verifiers[0] for name, one in town.witnesses.items()}
    lines = "".join(
        str(note.Signature(key.name, key.key_id, b"\0" * 72)) for key in keys_of.values()
    )
    asking._http = httpx.AsyncClient(transport=Odd(200, lines.encode()))
    assert await log.cosign(asking) is None
    assert all("not of this text" in problem for problem in asking.problems.values())


class Odd(httpx.AsyncBaseTransport):
    """A witness of whom nothing can be expected."""

    def __init__(self, status: int, data: bytes, kind: str = "text/plain") -> None:
        self._answer = status, data, kind

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        status, data, kind = self._answer
        return httpx.Response(status, content=data, headers={"content-type": kind})


ODD = {
    "garbage": Odd(200, b"hello\n"), "nothing": Odd(200, b""), "much": Odd(200, b"x" * 10_000_000),
    "another key": Odd(200, "— w1.example MTIzNDU2Nzg5\n".encode()), "an error": Odd(500, b""),
    "a size that is none": Odd(409, b"many\n", "text/x.tlog.size"),
    "always another size": Odd(409, b"1\n", "text/x.tlog.size"),
    "a conflict without a size": Odd(409, b"x"), "a way elsewhere": Odd(307, b""),
}  # fmt: skip


@pytest.mark.parametrize("name", ODD)
async def test_an_odd_witness_is_a_problem_and_no_more(tmp_path: Path, name: str) -> None:
    town = Town(tmp_path)
    log, _ = new_log(tmp_path)
    await log.open()
    await grown(log, 3)
    await log.sign()
    asking = town.asking()
    asking._http = httpx.AsyncClient(transport=ODD[name])
    assert await log.cosign(asking) is None
    assert set(asking.problems) == {"w1", "w2", "w3"}
    await grown(log, 1, 3)
    assert await log.sign(), "and the log goes on"
