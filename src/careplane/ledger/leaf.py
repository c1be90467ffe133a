"""What a leaf of the log is: a kind, and a commitment to a statement; never a patient's data.

A statement is a few lines `name value` in the order of `FIELDS`. A leaf holds HMAC-SHA-256 of it
under a key that HKDF (RFC 5869) makes of the installation's key and a random salt of that leaf.
Whoever has the salt and the installation's key can open the leaf for somebody: they hand out the
leaf's own key and the statement, which opens no other leaf. When the salt is deleted nobody can any
more, not even with the statement in hand: the leaf stays, a number that says nothing, and the log
verifies as before. Statements of an epoch are in clear, for outsiders must read them.
"""

from __future__ import annotations

import hmac
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import NamedTuple

from careplane.kernel.errors import Malformed

FORMAT = 1
SALT_BYTES = 32
_COMMITMENT = 32
_INFO = b"careplane ledger leaf 1\x01"
_VALUE = r"[!-~](?:[ -~]{0,254}[!-~])?"


class Kind(IntEnum):
    """What happened."""

    VERSION = 1  # a version of a resource was stored
    DELETION = 2  # a resource was deleted, as FHIR deletes
    CONSENT = 3  # a consent came into force, changed or ended
    POLICY = 4  # a rule of access was set
    AUDIT = 5  # a batch of audit records
    ERASE = 6  # salts and keys were destroyed: leaves can no longer be opened
    EPOCH = 7  # the log goes on after leaves were lost


CLEAR = frozenset({Kind.EPOCH})
"""Kinds whose statement stands in the leaf itself."""
KEPT = frozenset({Kind.POLICY, Kind.AUDIT, Kind.ERASE})
"""Kinds whose statement is kept beside the leaf: no record says it again."""

_VERSION = ("tenant", "type", "id", "version", "recorded")
FIELDS: Mapping[Kind, tuple[str, ...]] = {
    Kind.VERSION: (*_VERSION, "sha256"),
    Kind.DELETION: _VERSION,
    Kind.CONSENT: ("tenant", "id", "version", "recorded", "sha256"),
    Kind.POLICY: ("tenant", "name", "revision", "recorded", "sha256"),
    Kind.AUDIT: ("tenant", "first", "last", "recorded", "sha256"),
    Kind.ERASE: ("tenant", "leaves", "recorded", "sha256"),
    Kind.EPOCH: ("kept", "size", "root", "recorded"),
}
"""`recorded` is in microseconds since 1970; `sha256` in hex: of the version as it is served, of the
policy, of the audit records one after the other, of the erased leaves' numbers, a line each. Of an
epoch: leaves `kept` to before `size` were lost or stand again behind it; the last checkpoint before
had `size` and `root`."""


_NAMES = {kind: frozenset(names) for kind, names in FIELDS.items()}
_TEXTS = {
    kind: "".join((f"{kind.name.lower()}\n", *(f"{name} %s\n" for name in names)))
    for kind, names in FIELDS.items()
}
_RIGHT = {kind: re.compile(text.replace("%s", _VALUE)) for kind, text in _TEXTS.items()}
_HEADS = {kind: bytes((FORMAT, kind)) for kind in Kind}
_KINDS = {kind.value: kind for kind in Kind}


class Sealed(NamedTuple):
    """A leaf as the log keeps it. `salt` is secret, and empty where the statement is in clear;
    `said` is the statement of kinds that are `KEPT`; `at` are tenant and `t` of a version."""

    entry: bytes
    salt: bytes = b""
    said: bytes = b""
    at: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True)
class Opening:
    """What shows what a leaf says: `key` is that leaf's alone."""

    kind: Kind
    statement: bytes
    key: bytes = b""

    def entry(self) -> bytes:
        """The leaf that this opens."""
        if self.kind in CLEAR:
            return _HEADS[self.kind] + self.statement
        return _committed(self.kind, self.statement, self.key)

    def __bytes__(self) -> bytes:
        """As it goes into the extra data of a receipt."""
        return bytes([FORMAT, self.kind]) + self.key + self.statement


def statement(kind: Kind, values: Mapping[str, str | int]) -> bytes:
    """The canonical text of what happened. Raises Malformed for a field that is missing, unknown or
    not one line of printable ASCII."""
    if values.keys() != _NAMES[kind]:
        raise Malformed(f"A {kind.name.lower()} leaf has the fields {', '.join(FIELDS[kind])}.")
    text = _TEXTS[kind] % tuple([values[name] for name in FIELDS[kind]])
    if not _RIGHT[kind].fullmatch(text):
        name = next(name for name, one in values.items() if not re.fullmatch(_VALUE, str(one)))
        raise Malformed(f"{name} must be one line of at most 256 printable ASCII characters.")
    return text.encode()


def read(kind: Kind, text: bytes) -> dict[str, str]:
    """The fields of a statement. Raises Malformed for anything but its canonical text."""
    pairs = [line.partition(" ") for line in text.decode("ascii", "replace").split("\n")[1:-1]]
    values = {name: value for name, _, value in pairs}
    if set(values) != set(FIELDS[kind]) or statement(kind, values) != text:
        raise Malformed(f"This is not the statement of a {kind.name.lower()} leaf.")
    return values


def seal(
    kind: Kind,
    values: Mapping[str, str | int],
    secret: bytes,
    at: tuple[int, int] | None = None,
    salt: bytes = b"",
) -> Sealed:
    """A new leaf. `secret` is the installation's key for leaves; `at` are tenant and `t` of the
    version that it is about; `salt` is 32 random bytes that are used for nothing else, where the
    caller has drawn them for many."""
    text = statement(kind, values)
    if kind in CLEAR:
        return Sealed(_HEADS[kind] + text)
    salt = salt or secrets.token_bytes(SALT_BYTES)
    said = text if kind in KEPT else b""
    return Sealed(_committed(kind, text, leaf_key(secret, salt)), salt, said, at)


def opened(sealed: Sealed, values: Mapping[str, str | int], secret: bytes) -> Opening | None:
    """The opening of a leaf that says this; None where it says something else, or its salt is
    gone."""
    kind = kind_of(sealed.entry)
    if kind not in CLEAR and not sealed.salt:
        return None
    key = b"" if kind in CLEAR else leaf_key(secret, sealed.salt)
    opening = Opening(kind, statement(kind, values), key)
    return opening if hmac.compare_digest(opening.entry(), sealed.entry) else None


def _committed(kind: Kind, statement: bytes, key: bytes) -> bytes:
    return _HEADS[kind] + hmac.digest(key, statement, "sha256")


def kind_of(entry: bytes) -> Kind:
    """What a leaf is about. Raises Malformed for what is no leaf."""
    kind = _KINDS.get(entry[1]) if len(entry) >= 2 and entry[0] == FORMAT else None
    if kind is None:
        raise Malformed("This is no leaf, or one of a newer format.")
    if kind not in CLEAR and len(entry) != 2 + _COMMITMENT:
        raise Malformed(f"A {kind.name.lower()} leaf has {2 + _COMMITMENT} bytes.")
    return kind


def leaf_key(secret: bytes, salt: bytes) -> bytes:
    """HKDF-SHA-256 of the installation's key under the leaf's salt: 32 bytes."""
    if len(salt) != SALT_BYTES:
        raise Malformed(f"The salt of a leaf has {SALT_BYTES} bytes.")
    return hmac.digest(hmac.digest(salt, secret, "sha256"), _INFO, "sha256")
