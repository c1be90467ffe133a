"""The verifier that stands alone: on its own, from the command line, and how fast and small."""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from careplane.ledger import leaf, verify
from careplane.ledger.formats import checkpoint, keys, note
from careplane.ledger.formats.proof import Receipt
from careplane.ledger.formats.submission import Submission
from careplane.ledger.leaf import Kind, Opening
from careplane.ledger.merkle.frontier import Frontier
from careplane.ledger.merkle.hashes import leaf_hash, node_hash
from tests.unit.ledger.logs import NOW, ORIGIN, SECRET
from tests.unit.ledger.logs import version as said

SIGNER = keys.Signer(ORIGIN, keys.Kind.ED25519, b"\1" * 32)
WITNESSES = [
    keys.Signer(f"w{n}.example", keys.Kind.COSIGNATURE, bytes([n]) * 32) for n in (2, 3, 4)
]
RECORD = b'{"resourceType":"Observation","id":"o5"}'
POLICY = "".join(
    [
        f"log {SIGNER.verifier}\n",
        *(f"witness {w.name} {w.verifier}\n" for w in WITNESSES),
        f"group hospitals 2 {' '.join(w.name for w in WITNESSES)}\nquorum hospitals\n",
    ]
)


def signed(frontier: Frontier, *signers: keys.Signer) -> note.Note:
    text = checkpoint.Checkpoint(ORIGIN, frontier.size, frontier.root()).text
    return note.Note(text, tuple(one.sign(text, NOW) for one in (signers or (SIGNER, *WITNESSES))))


def opening() -> Opening:
    values = said(5) | {"sha256": hashlib.sha256(RECORD).hexdigest()}
    sealed = leaf.seal(Kind.VERSION, values, SECRET)
    found = leaf.opened(sealed, values, SECRET)
    assert found
    return found


def receipt(levels: int = 2, *signers: keys.Signer) -> bytes:
    """Of the second leaf in a tree of 2**levels leaves whose other hashes are made up."""
    opened = opening()
    proof = tuple(hashlib.sha256(b"%d" % n).digest() for n in range(levels))
    root = node_hash(proof[0], leaf_hash(opened.entry()))
    for one in proof[1:]:
        root = node_hash(root, one)
    text = checkpoint.Checkpoint(ORIGIN, 2**levels, root).text
    lines = tuple(one.sign(text, NOW) for one in (signers or (SIGNER, *WITNESSES)))
    return bytes(Receipt(1, proof, note.Note(text, lines), b"\1" + bytes(opened)))


def test_a_receipt_says_what_was_logged_and_who_saw_it() -> None:
    found = verify.verify_receipt(receipt(), verify.read_policy(POLICY.encode()), RECORD)
    assert (found.origin, found.index, found.size, found.kind) == (ORIGIN, 1, 4, "version")
    assert found.statement["id"] == "o5"
    assert found.witnesses == {w.name: NOW for w in WITNESSES}


def test_a_receipt_is_small_and_verified_in_no_time() -> None:
    """At most 2.5 kB and 1 ms, with three cosignatures, in a log of four thousand million."""
    data, policy = receipt(32), verify.read_policy(POLICY.encode())
    assert len(data) <= 2_500
    times = []
    for _ in range(50):
        began = time.perf_counter()
        verify.verify_receipt(data, policy, RECORD)
        times.append(time.perf_counter() - began)
    best = min(times)

    assert best < 0.001


def _swapped(data: bytes) -> bytes:
    lines = data.decode().split("\n")
    lines[3], lines[4] = lines[4], lines[3]
    return "\n".join(lines).encode()


CHANGES = {
    "another index": lambda data: data.replace(b"index 1\n", b"index 0\n"),
    "an index beyond the tree": lambda data: data.replace(b"index 1\n", b"index 4\n"),
    "a hash too few": lambda data: b"\n".join(x for n, x in enumerate(data.split(b"\n")) if n != 3),
    "hashes in another order": _swapped,
    "another size": lambda data: data.replace(b"\n4\n", b"\n5\n"),
    "another log": lambda data: data.replace(ORIGIN.encode() + b"\n", b"other.example/log\n"),
    "no newline at its end": lambda data: data[:-1],
    "no leaf": lambda data: b"\n".join(x for n, x in enumerate(data.split(b"\n")) if n != 1),
    "a control character": lambda data: data.replace(b"index 1", b"index 1\r"),
    "not UTF-8": lambda data: data.replace(b"index", b"\xff"),
    "too long": lambda data: data + b"x" * 600_000 + b"\n",
    "many lines": lambda data: data.replace(b"index", b"\n" * 300 + b"index"),
    "nothing": lambda data: b"",
    "another version of the format": lambda data: data.replace(b"@v1", b"@v2"),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_changed_receipt_is_refused(change: str) -> None:
    with pytest.raises(verify.Refused):
        verify.verify_receipt(CHANGES[change](receipt()), verify.read_policy(POLICY.encode()))


def test_no_bit_of_a_receipt_can_be_flipped() -> None:
    """But for the spelling of what nothing depends on, there is none."""
    data, policy = receipt(), verify.read_policy(POLICY.encode())
    for at in range(len(data)):
        flipped = data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]
        try:
            found = verify.verify_receipt(flipped, policy)
        except verify.Refused:
            continue
        # a signature line whose name or id is another is of a key that is not known: passed by
        assert len(found.witnesses) == 2, at


@given(at=st.integers(0, 3000), length=st.integers(0, 40), put=st.binary(max_size=40), n=st.data())
def test_no_bytes_break_it(at: int, length: int, put: bytes, n: st.DataObject) -> None:
    policy = verify.read_policy(POLICY.encode())
    old, new = growth()
    data = n.draw(st.sampled_from([receipt(), old, new, POLICY.encode()]))
    changed = data[:at] + put + data[at + length :]
    for read in (
        lambda: verify.verify_receipt(changed, policy),
        lambda: verify.verify_consistency(changed, new, policy),
        lambda: verify.verify_consistency(old, changed, policy),
        lambda: verify.read_policy(changed),
    ):
        with contextlib.suppress(verify.Refused):
            read()


@pytest.mark.parametrize(
    "signers",
    [
        [SIGNER], [SIGNER, WITNESSES[0]], WITNESSES,
        [keys.Signer(ORIGIN, keys.Kind.ED25519, b"\7" * 32), *WITNESSES],
        [SIGNER, WITNESSES[0], keys.Signer("w3.example", keys.Kind.COSIGNATURE, b"\7" * 32)],
    ],
)  # fmt: skip
def test_a_policy_wants_its_log_and_two_witnesses(signers: list[keys.Signer]) -> None:
    with pytest.raises(verify.Refused):
        verify.verify_receipt(receipt(2, *signers), verify.read_policy(POLICY.encode()))


def test_one_false_signature_of_a_known_key_refuses_all() -> None:
    good = receipt()
    bad = note.Signature("w4.example", WITNESSES[2].verifier.key_id, b"\0" * 72)
    with pytest.raises(verify.Refused, match=r"w4\.example does not hold"):
        verify.verify_receipt(good + str(bad).encode(), verify.read_policy(POLICY.encode()))


def test_a_record_that_is_another_is_refused() -> None:
    policy = verify.read_policy(POLICY.encode())
    with pytest.raises(verify.Refused, match="another record"):
        verify.verify_receipt(receipt(), policy, RECORD + b" ")


def _sealed(statement: bytes) -> bytes:
    return b"\1\1\1" + b"k" * 32 + statement


EXTRAS = {
    "empty": (b"", "no leaf"),
    "cut off": (b"\1\1\1short", "of another kind"),
    "of no kind": (b"\1\1\x09" + b"k" * 32 + b"x\n", "no leaf"),
    "neither open nor closed": (b"\2\1\1" + b"c" * 32, "no leaf"),
    "another kind": (_sealed(b"deletion\ntenant 1\n"), "of another kind"),
    "a line that does not end": (_sealed(b"version\ntenant 1"), "of another kind"),
    "twice": (_sealed(b"version\nid 1\nid 2\n"), "says something twice"),
}


@pytest.mark.parametrize("name", EXTRAS)
def test_an_opening_that_is_none_is_refused(name: str) -> None:
    """Though the leaf that it would open is in the log, and witnesses cosigned."""
    extra, says = EXTRAS[name]
    entry = extra[1:3] + hmac.digest(extra[3:35], extra[35:], "sha256")
    receipt = Receipt(0, (), signed(Frontier().extend([leaf_hash(entry)])), extra or b"\1")
    with pytest.raises(verify.Refused, match=says):
        verify.verify_receipt(bytes(receipt), verify.read_policy(POLICY.encode()))


def growth() -> tuple[bytes, bytes]:
    leaves = [leaf_hash(b"%d" % n) for n in range(4)]
    old, new = Frontier().extend(leaves[:2]), Frontier().extend(leaves)
    proof = (node_hash(leaves[2], leaves[3]),)
    return bytes(signed(old)), bytes(Submission(2, proof, signed(new)))


def test_growth_is_verified() -> None:
    policy = verify.read_policy(POLICY.encode())
    old, new = growth()
    earlier, later = verify.verify_consistency(old, new, policy)
    assert (earlier.size, later.size) == (2, 4)
    alone = bytes(signed(Frontier().extend([leaf_hash(b"0"), leaf_hash(b"1")]), SIGNER))
    with pytest.raises(verify.Refused, match="not enough witnesses"):
        verify.verify_consistency(alone, new, policy)
    alone = new[: new.index(b"\xe2\x80\x94 w2")]  # the new one, with the signature of the log only
    with pytest.raises(verify.Refused, match="not enough witnesses"):
        verify.verify_consistency(old, alone, policy)
    forked = bytes(signed(Frontier().extend([leaf_hash(b"other")] * 2)))
    for wrong in ((forked, new), (new, old), (old, new.replace(b"old 2", b"old 1")), (old, old)):
        with pytest.raises(verify.Refused):
            verify.verify_consistency(*wrong, policy)


def _alone(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Runs a copy of the file where there is no Careplane to import."""
    script = shutil.copy(verify.__file__, folder / "verify.py")
    return subprocess.run(
        [sys.executable, "-I", str(script), *arguments],
        cwd=folder, capture_output=True, text=True, timeout=60,
    )  # fmt: skip


def test_it_runs_where_nothing_of_careplane_is(tmp_path: Path) -> None:
    (tmp_path / "policy").write_text(POLICY)
    (tmp_path / "r.tlog-proof").write_bytes(receipt())
    (tmp_path / "record.json").write_bytes(RECORD)
    old, new = growth()
    (tmp_path / "old").write_bytes(old)
    (tmp_path / "new").write_bytes(new)
    done = _alone(
        tmp_path, "receipt", "r.tlog-proof", "--policy", "policy", "--record", "record.json"
    )
    assert done.returncode == 0, done.stderr
    assert "leaf 1 of 4 of hospital.example/log: version" in done.stdout
    assert "the record is the one that was logged" in done.stdout
    done = _alone(tmp_path, "consistency", "old", "new", "--policy", "policy")
    assert done.stdout == "hospital.example/log only grew, from 2 to 4 leaves\n", done.stderr
    (tmp_path / "record.json").write_bytes(b"{}")
    done = _alone(
        tmp_path, "receipt", "r.tlog-proof", "--policy", "policy", "--record", "record.json"
    )
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == (
        "refused: the leaf is of another record, or the receipt does not say of which\n"
    )
    assert _alone(tmp_path, "receipt", "r.tlog-proof").returncode == 2
    assert _alone(tmp_path, "receipt", "none", "--policy", "policy").returncode == 1
