"""Verify a receipt, or that one checkpoint continues another: offline, and without Careplane.

    python verify.py receipt FILE --policy POLICY [--record FILE]
    python verify.py consistency OLD NEW --policy POLICY

This one file needs Python 3.11 and `cryptography`, and may be copied anywhere. FILE is a receipt
(c2sp.org/tlog-proof), POLICY says which log and which witnesses are believed
(c2sp.org/tlog-policy), OLD is a checkpoint and NEW a later one with its proof (the body of
c2sp.org/tlog-witness add-checkpoint). Exit code 0: it holds; 1: it does not, and why; 2: wrong
usage.

It shares no code with the server that makes receipts, so that a mistake there is not repeated.
"""

from __future__ import annotations

import argparse
import base64
import hmac
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

ED25519, COSIGNATURE, ML_DSA_44 = 1, 4, 6
LENGTHS = {ED25519: (32, 64), COSIGNATURE: (32, 64), ML_DSA_44: (1312, 2420)}
KINDS = ("version", "deletion", "consent", "policy", "audit", "erase", "epoch")
EPOCH = 7
MOST_BYTES = 512 * 1024
MOST_LINES = 200


class Refused(Exception):
    """It does not hold; the text says why."""


# The Merkle tree, by its definition: RFC 9162 section 2.1.


def node_hash(left: bytes, right: bytes) -> bytes:
    """The hash of an inner node."""
    return sha256(b"\x01" + left + right).digest()


def includes(index: int, leaf: bytes, size: int, root: bytes, proof: Sequence[bytes]) -> bool:
    """Whether the leaf hash is that of leaf `index` of a tree of `size` leaves."""
    if not 0 <= index < size < 2**64 or not all(len(one) == 32 for one in (leaf, root, *proof)):
        return False
    return _root(index, size, leaf, proof) == root


def consistent(old: int, old_root: bytes, size: int, root: bytes, proof: Sequence[bytes]) -> bool:
    """Whether the tree of `old` leaves is the beginning of the tree of `size` leaves."""
    if not 0 <= old <= size < 2**64 or not all(len(one) == 32 for one in proof):
        return False
    if old == 0:
        empty = sha256(b"").digest()
        return not proof and old_root == empty and (len(root) == 32 if size else root == empty)
    return _roots(old, size, old_root, proof, True) == (old_root, root)


def _root(index: int, size: int, leaf: bytes, proof: Sequence[bytes]) -> bytes | None:
    if size == 1 or not proof:
        return leaf if size == 1 and not proof else None
    middle = 1 << (size - 1).bit_length() - 1
    *rest, sibling = proof
    if index < middle:
        left = _root(index, middle, leaf, rest)
        return left and node_hash(left, sibling)
    right = _root(index - middle, size - middle, leaf, rest)
    return right and node_hash(sibling, right)


def _roots(
    old: int, size: int, old_root: bytes, proof: Sequence[bytes], known: bool
) -> tuple[bytes, bytes] | None:
    """The roots of both trees, as the proof has them."""
    if old == size:
        if known:
            return None if proof else (old_root, old_root)
        return (proof[0], proof[0]) if len(proof) == 1 else None
    if not proof:
        return None
    middle = 1 << (size - 1).bit_length() - 1
    *rest, sibling = proof
    if old <= middle:
        both = _roots(old, middle, old_root, rest, known)
        return both and (both[0], node_hash(both[1], sibling))
    both = _roots(old - middle, size - middle, old_root, rest, False)
    return both and (node_hash(sibling, both[0]), node_hash(sibling, both[1]))


# Signed notes and keys: c2sp.org/signed-note, tlog-checkpoint, tlog-cosignature.


@dataclass(frozen=True)
class Key:
    """Whose signatures are believed."""

    name: str
    kind: int
    public: bytes
    check: Callable[[bytes, bytes], None] = field(compare=False, repr=False)

    @property
    def key_id(self) -> bytes:
        """The first four bytes of the hash of name, type and key."""
        return sha256(self.name.encode() + b"\n" + bytes([self.kind]) + self.public).digest()[:4]


@dataclass(frozen=True)
class Checkpoint:
    """A tree head, its text and the signature lines under it."""

    text: str
    origin: str
    size: int
    root: bytes
    signatures: tuple[tuple[str, bytes], ...]


def read_key(text: str) -> Key:
    """A verifier key."""
    name, _, rest = text.partition("+")
    key_id, _, material = rest.partition("+")
    if not name or any(c.isspace() or "\ud800" <= c <= "\udfff" for c in name):
        raise Refused("a key of the policy has a name that keys cannot have")
    raw = _base64(material, "a key of the policy")
    kind, public = (raw[0], raw[1:]) if raw else (0, b"")
    if kind not in LENGTHS or len(public) != LENGTHS[kind][0]:
        raise Refused(f"the key of {name} is of a type or length that is not known here")
    key = Key(name, kind, public, _checker(kind, public))
    if key.key_id.hex() != key_id:
        raise Refused(f"the id in the key of {name} is not that of the key")
    return key


def _checker(kind: int, public: bytes) -> Callable[[bytes, bytes], None]:
    if kind != ML_DSA_44:
        return Ed25519PublicKey.from_public_bytes(public).verify
    try:
        from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PublicKey
    except ImportError:
        raise Refused("the policy has an ML-DSA-44 key: install cryptography 48 or newer") from None
    return MLDSA44PublicKey.from_public_bytes(public).verify


def read_checkpoint(lines: Sequence[str]) -> Checkpoint:
    """A signed checkpoint from its lines."""
    if "" not in lines:
        raise Refused("the checkpoint has no signatures")
    blank = len(lines) - 1 - list(lines)[::-1].index("")
    head, signed = lines[:blank], lines[blank + 1 :]
    if len(head) < 3 or not all(head) or not signed:
        raise Refused("the checkpoint is not three lines and signatures")
    text = "".join(f"{line}\n" for line in head)
    size, root = _number(head[1], "the size"), _hash(head[2])
    return Checkpoint(text, head[0], size, root, tuple(map(_signature, signed)))


def _signature(line: str) -> tuple[str, bytes]:
    dash, _, rest = line.partition(" ")
    name, _, value = rest.partition(" ")
    if dash != "—" or not name:
        raise Refused("a signature line does not start with a dash and a name")
    return name, _base64(value, "a signature")


def timestamp(key: Key, checkpoint: Checkpoint) -> int | None:
    """When the key signed (seconds since 1970; 0 without a time); None where it did not. A
    signature that claims to be of this key and does not hold refuses the whole checkpoint."""
    found = None
    for name, value in checkpoint.signatures:
        if name == key.name and value[:4] == key.key_id:
            found = _verified(key, checkpoint, value[4:])
    return found


def _verified(key: Key, checkpoint: Checkpoint, value: bytes) -> int:
    when = 0
    if key.kind != ED25519:
        when, value = int.from_bytes(value[:8], "big"), value[8:]
    try:
        if len(value) != LENGTHS[key.kind][1]:
            raise InvalidSignature
        key.check(value, _message(key, checkpoint, when))
    except InvalidSignature:
        raise Refused(f"a signature of {key.name} does not hold") from None
    return when


def _message(key: Key, checkpoint: Checkpoint, when: int) -> bytes:
    if key.kind == ED25519:
        return checkpoint.text.encode()
    if key.kind == COSIGNATURE:
        return f"cosignature/v1\ntime {when}\n{checkpoint.text}".encode()
    name, origin = key.name.encode(), checkpoint.origin.encode()
    if len(name) > 255 or len(origin) > 255:
        raise InvalidSignature
    parts = (b"subtree/v1\n\x00", bytes([len(name)]), name, when.to_bytes(8, "big"),
             bytes([len(origin)]), origin, bytes(8), checkpoint.size.to_bytes(8, "big"),
             checkpoint.root)  # fmt: skip
    return b"".join(parts)


# Policies: c2sp.org/tlog-policy.


@dataclass
class Policy:
    """Which logs and witnesses are believed. A group holds where enough of its members do."""

    logs: list[Key] = field(default_factory=list)
    witnesses: dict[str, Key] = field(default_factory=dict)
    groups: dict[str, tuple[int, list[str]]] = field(default_factory=dict)
    quorum: str | None = None

    def believe(self, checkpoint: Checkpoint) -> dict[str, int]:
        """When each witness cosigned, by its name. Refuses a checkpoint that is not signed by a log
        of the policy or not cosigned by enough witnesses."""
        logs = [key for key in self.logs if key.name == checkpoint.origin]
        if not logs:
            raise Refused(f"the policy knows no log {checkpoint.origin}")
        signed = [timestamp(key, checkpoint) for key in logs]  # a false one refuses, so ask all
        if all(when is None for when in signed):
            raise Refused(f"the checkpoint is not signed by {checkpoint.origin}")
        times = {name: timestamp(key, checkpoint) for name, key in self.witnesses.items()}
        cosigned = {name: when for name, when in times.items() if when is not None}
        if self.quorum != "none" and not self._holds(str(self.quorum), cosigned):
            seen = ", ".join(cosigned) or "none"
            raise Refused(f"not enough witnesses cosigned; those who did: {seen}")
        return cosigned

    def _holds(self, name: str, cosigned: dict[str, int]) -> bool:
        if name not in self.groups:
            return name in cosigned
        least, members = self.groups[name]
        return sum(self._holds(one, cosigned) for one in members) >= least

    def _add(self, words: list[str], used: set[object]) -> None:
        match words:
            case ["log", key, *url] if len(url) < 2:
                self.logs.append(_fresh_key(key, (ED25519, ML_DSA_44), used))
            case ["witness", name, key, *url] if len(url) < 2 and self._free(name):
                self.witnesses[name] = _fresh_key(key, (COSIGNATURE, ML_DSA_44), used)
            case ["group", name, count, *members] if members and self._free(name):
                if not all(self._there(one) for one in members):
                    raise Refused("a member is not defined above")
                if not used.isdisjoint(members) or len(set(members)) < len(members):
                    raise Refused("a member is in a group already")
                used.update(members)
                least = {"any": 1, "all": len(members)}.get(count) or _number(count, "the count")
                if not 1 <= least <= len(members):
                    raise Refused("the count is not one that its members can reach")
                self.groups[name] = least, members
            case ["quorum", name] if self.quorum is None and (name == "none" or self._there(name)):
                self.quorum = name
            case _:
                raise Refused("it cannot be understood, or says something a second time")

    def _there(self, name: str) -> bool:
        return name in self.witnesses or name in self.groups

    def _free(self, name: str) -> bool:
        return name != "none" and not self._there(name)


def read_policy(data: bytes) -> Policy:
    """A policy file."""
    policy, used = Policy(), set[object]()
    text = data[:MOST_BYTES].decode(errors="surrogateescape")
    if len(data) > MOST_BYTES or not text.endswith("\n"):
        raise Refused("the policy is too long, or does not end with a newline")
    for count, line in enumerate(text.split("\n"), 1):
        words = line.replace("\t", " ").split(" ")
        words = [word for word in words if word]
        if any((c < " " and c != "\t") or c == "\x7f" for c in line):
            raise Refused(f"line {count} of the policy has control characters")
        if words and not words[0].startswith("#"):
            try:
                policy._add(words, used)
            except Refused as error:
                raise Refused(f"line {count} of the policy: {error}") from None
    if policy.quorum is None:
        raise Refused("the policy has no quorum line")
    return policy


def _fresh_key(text: str, kinds: tuple[int, ...], used: set[object]) -> Key:
    key = read_key(text)
    mark = (kinds, key.public)
    if key.kind not in kinds or mark in used:
        raise Refused("the key is of a type that does not sign this, or was named before")
    used.add(mark)
    return key


# Receipts: c2sp.org/tlog-proof, and what a leaf of Careplane says (docs/ledger.md).


@dataclass(frozen=True)
class Found:
    """What holds. `statement` is empty where the receipt does not open the leaf."""

    origin: str
    index: int
    size: int
    kind: str
    statement: dict[str, str]
    witnesses: dict[str, int]


def verify_receipt(data: bytes, policy: Policy, record: bytes | None = None) -> Found:
    """What a receipt proves. Raises Refused. `record` is the version it should be of."""
    lines = _lines(data)
    if lines[0] != "c2sp.org/tlog-proof@v1" or "" not in lines:
        raise Refused("this is no receipt (c2sp.org/tlog-proof@v1)")
    blank = lines.index("")
    head, checkpoint = lines[1:blank], read_checkpoint(lines[blank + 1 :])
    if len(head) < 2 or not head[0].startswith("extra ") or not head[1].startswith("index "):
        raise Refused("the receipt has no extra line with its leaf, or no index line")
    index = _number(head[1][6:], "the index")
    proof = [_hash(line) for line in head[2:]]
    entry, kind, statement = _leaf(_base64(head[0][6:], "the extra line"))
    leaf = sha256(b"\x00" + entry).digest()
    if not includes(index, leaf, checkpoint.size, checkpoint.root, proof):
        raise Refused("the leaf is not in the log at that place")
    witnesses = policy.believe(checkpoint)
    if record is not None and statement.get("sha256") != sha256(record).hexdigest():
        raise Refused("the leaf is of another record, or the receipt does not say of which")
    return Found(checkpoint.origin, index, checkpoint.size, kind, statement, witnesses)


def verify_consistency(old: bytes, new: bytes, policy: Policy) -> tuple[Checkpoint, Checkpoint]:
    """That a log only grew between two checkpoints, both of which the policy believes."""
    earlier, lines = read_checkpoint(_lines(old)), _lines(new)
    if not lines[0].startswith("old ") or "" not in lines:
        raise Refused("the new checkpoint has no line `old N` and proof above it")
    blank = lines.index("")
    later = read_checkpoint(lines[blank + 1 :])
    for one in (earlier, later):
        policy.believe(one)
    if earlier.origin != later.origin or _number(lines[0][4:], "the size") != earlier.size:
        raise Refused("the checkpoints are of two logs, or the proof is from another size")
    proof = [_hash(line) for line in lines[1:blank]]
    if not consistent(earlier.size, earlier.root, later.size, later.root, proof):
        raise Refused("the later tree does not continue the earlier one: the log was rewritten")
    return earlier, later


def _leaf(extra: bytes) -> tuple[bytes, str, dict[str, str]]:
    """The leaf, its kind, and what it says where it is opened."""
    opened, rest = extra[:1] == b"\x01", extra[1:]
    if extra[:1] not in (b"\x00", b"\x01") or len(rest) < 2 or not 1 <= rest[1] <= len(KINDS):
        raise Refused("the extra line holds no leaf that is known here")
    kind = KINDS[rest[1] - 1]
    if not opened:
        return rest, kind, {}
    at = 2 if rest[1] == EPOCH else 34
    key, statement = rest[2:at], rest[at:]
    entry = rest[:2] + (hmac.digest(key, statement, "sha256") if key else statement)
    lines = statement.decode("ascii", "replace").split("\n")
    pairs = [line.partition(" ") for line in lines[1:-1]]
    values = {name: value for name, _, value in pairs}
    if lines[0] != kind or lines[-1] or len(values) != len(pairs):
        raise Refused("the statement of the leaf is of another kind, or says something twice")
    return entry, kind, values


# Text, in one spelling only.


def _lines(data: bytes) -> list[str]:
    try:
        text = data[: MOST_BYTES + 1].decode()
    except UnicodeDecodeError:
        raise Refused("the file is not UTF-8") from None
    lines = text.split("\n")
    if len(data) > MOST_BYTES or len(lines) > MOST_LINES or lines.pop() or not lines:
        raise Refused("the file is empty or too long, or does not end with a newline")
    if any(c < " " for line in lines for c in line):
        raise Refused("the file has control characters")
    return lines


def _number(text: str, what: str) -> int:
    if not (text.isascii() and text.isdecimal() and str(int(text[:20])) == text) or len(text) > 19:
        raise Refused(f"{what} is not a decimal number without leading zeroes")
    return int(text)


def _hash(text: str) -> bytes:
    value = _base64(text, "a hash")
    if len(value) != 32:
        raise Refused("a hash has not 32 bytes")
    return value


def _base64(text: str, what: str) -> bytes:
    try:
        value = base64.b64decode(text, validate=True)
    except ValueError:
        raise Refused(f"{what} is not base64") from None
    if base64.b64encode(value).decode() != text:
        raise Refused(f"{what} is base64 in another spelling than the usual one")
    return value


# The command line.


def main(arguments: Sequence[str] | None = None) -> int:
    """Say what holds, or why it does not."""
    parser = argparse.ArgumentParser(prog="verify.py", description=(__doc__ or "").split("\n")[0])
    verbs = parser.add_subparsers(dest="verb", required=True)
    receipt = verbs.add_parser("receipt", help="that a leaf is in a log that witnesses saw")
    receipt.add_argument("file", type=Path)
    receipt.add_argument("--record", type=Path, help="the version, as the server answered it")
    growth = verbs.add_parser("consistency", help="that a log only grew")
    growth.add_argument("old", type=Path)
    growth.add_argument("new", type=Path)
    for one in (receipt, growth):
        one.add_argument("--policy", type=Path, required=True)
    chosen = parser.parse_args(arguments)
    try:
        print("\n".join(_say(chosen)))
    except (Refused, OSError) as error:
        print(f"refused: {error}", file=sys.stderr)
        return 1
    return 0


def _say(chosen: argparse.Namespace) -> list[str]:
    policy = read_policy(chosen.policy.read_bytes())
    if chosen.verb == "consistency":
        old, new = verify_consistency(chosen.old.read_bytes(), chosen.new.read_bytes(), policy)
        return [f"{new.origin} only grew, from {old.size} to {new.size} leaves"]
    record = chosen.record.read_bytes() if chosen.record else None
    found = verify_receipt(chosen.file.read_bytes(), policy, record)
    said = [f"leaf {found.index} of {found.size} of {found.origin}: {found.kind}"]
    said += [f"  {name} {value}" for name, value in found.statement.items()]
    for name, when in found.witnesses.items():
        said.append(
            f"cosigned by {name}" + (f" {datetime.fromtimestamp(when, UTC)}" if when else "")
        )
    return said if record is None else [*said, "the record is the one that was logged"]


if __name__ == "__main__":
    sys.exit(main())
