"""Keys of notes: their text forms, key ids, and what each type signs and verifies.

A verifier key is `name+id+base64(type, public key)`, and a signing key the same with
`PRIVATE+KEY+` before it and a seed instead of the public key.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from enum import IntEnum
from hashlib import sha256
from typing import NamedTuple

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey, MLDSA44PublicKey

from careplane.kernel.errors import Invalid, Malformed
from careplane.ledger.formats.cosignature import LATEST, checkpoint_message, cosignature_message
from careplane.ledger.formats.note import Note, Signature, is_key_name
from careplane.ledger.formats.text import octets, written

_SEED_BYTES = 32
_TIME_BYTES = 8
_PRIVATE = "PRIVATE+KEY+"


class Kind(IntEnum):
    """Signature types that signed-note assigns."""

    ED25519 = 0x01
    COSIGNATURE = 0x04  # Ed25519 with the time of a witness
    ML_DSA_44 = 0x06  # with a time, of a log or a witness


_PUBLIC_BYTES = {Kind.ED25519: 32, Kind.COSIGNATURE: 32, Kind.ML_DSA_44: 1312}
_SIGNATURE_BYTES = {Kind.ED25519: 64, Kind.COSIGNATURE: 64, Kind.ML_DSA_44: 2420}
LOG_KINDS = (Kind.ED25519, Kind.ML_DSA_44)
WITNESS_KINDS = (Kind.COSIGNATURE, Kind.ML_DSA_44)


class Verified(NamedTuple):
    """A signature that holds. `timestamp`: seconds since 1970, 0 where the type has none."""

    key: VerifierKey
    signature: Signature
    timestamp: int


@dataclass(frozen=True, slots=True)
class VerifierKey:
    """Whose signatures are believed."""

    name: str
    kind: Kind
    public: bytes
    _verify: Callable[[bytes, bytes], None] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if not is_key_name(self.name):
            raise Malformed("A key name must not be empty, nor have spaces or a plus sign.")
        if len(self.public) != _PUBLIC_BYTES[self.kind]:
            raise Malformed(f"A public key of this type has {_PUBLIC_BYTES[self.kind]} bytes.")
        load = MLDSA44PublicKey if self.kind is Kind.ML_DSA_44 else Ed25519PublicKey
        try:
            loaded = load.from_public_bytes(self.public)
        except ValueError:
            raise Malformed("The bytes of the public key are not those of a key.") from None
        object.__setattr__(self, "_verify", loaded.verify)

    @property
    def key_id(self) -> bytes:
        """The first four bytes of a hash of name, type and key."""
        return _key_id(self.name, self.kind, self.public)

    def __str__(self) -> str:
        return f"{self.name}+{self.key_id.hex()}+{written(bytes([self.kind]) + self.public)}"

    def signed(self, signature: Signature) -> bool:
        """Whether a signature claims to be of this key."""
        return signature.name == self.name and signature.key_id == self.key_id

    def verify(self, text: str, signature: Signature) -> Verified:
        """A signature of this key. Raises Invalid where it is not of this text."""
        value, timestamp = signature.value, 0
        if self.kind is not Kind.ED25519:
            timestamp = int.from_bytes(value[:_TIME_BYTES], "big")
            value = value[_TIME_BYTES:]
        if len(value) != _SIGNATURE_BYTES[self.kind] or timestamp > LATEST:
            raise Invalid(f"A signature of {self.name} has not the length or time of its type.")
        try:
            self._verify(value, _message(self.kind, self.name, text, timestamp))
        except InvalidSignature:
            raise Invalid(f"A signature of {self.name} is not of this text.") from None
        return Verified(self, signature, timestamp)


@dataclass(frozen=True, slots=True, repr=False)
class Signer:
    """Who signs. Its `str` is the secret: write it to a file for its owner alone."""

    name: str
    kind: Kind
    seed: bytes
    _sign: Callable[[bytes], bytes] = field(init=False, compare=False)
    verifier: VerifierKey = field(init=False, compare=False)

    def __post_init__(self) -> None:
        if len(self.seed) != _SEED_BYTES:
            raise Malformed(f"The seed of a signing key has {_SEED_BYTES} bytes.")
        private: Ed25519PrivateKey | MLDSA44PrivateKey
        if self.kind is Kind.ML_DSA_44:
            private = MLDSA44PrivateKey.from_seed_bytes(self.seed)
        else:
            private = Ed25519PrivateKey.from_private_bytes(self.seed)
        public = private.public_key().public_bytes_raw()
        object.__setattr__(self, "_sign", private.sign)
        object.__setattr__(self, "verifier", VerifierKey(self.name, self.kind, public))

    def __str__(self) -> str:
        key_id = self.verifier.key_id.hex()
        return f"{_PRIVATE}{self.name}+{key_id}+{written(bytes([self.kind]) + self.seed)}"

    def sign(self, text: str, timestamp: int) -> Signature:
        """A signature of the text of a note; of a checkpoint, for types with a time."""
        value = self._sign(_message(self.kind, self.name, text, timestamp))
        if self.kind is not Kind.ED25519:
            value = timestamp.to_bytes(_TIME_BYTES, "big") + value
        return Signature(self.name, self.verifier.key_id, value)


def generate(name: str, kind: Kind) -> Signer:
    """A new signing key."""
    return Signer(name, kind, secrets.token_bytes(_SEED_BYTES))


def parse_verifier(text: str) -> VerifierKey:
    """A key from `name+id+base64`. Raises Malformed."""
    name, key_id, kind, public = _parts(text)
    key = VerifierKey(name, kind, public)
    if key.key_id.hex() != key_id:
        raise Malformed(f"The id in the key of {name} is not that of the key: copy it again.")
    return key


def parse_signer(text: str) -> Signer:
    """A signing key from its text. Raises Malformed."""
    if not text.startswith(_PRIVATE):
        raise Malformed(f"A signing key starts with {_PRIVATE}.")
    name, key_id, kind, seed = _parts(text.removeprefix(_PRIVATE))
    signer = Signer(name, kind, seed)
    if signer.verifier.key_id.hex() != key_id:
        raise Malformed(f"The id in the signing key of {name} is not that of the key.")
    return signer


def verified(note: Note, keys: Iterable[VerifierKey]) -> list[Verified]:
    """The signatures of known keys; those of others are passed by. Raises Invalid where one of a
    known key does not hold: such a note is not believed at all."""
    known = list(keys)
    return [
        key.verify(note.text, signature)
        for signature in note.signatures
        for key in known
        if key.signed(signature)
    ]


def _parts(text: str) -> tuple[str, str, Kind, bytes]:
    parts = text.split("+", 2)
    if len(parts) != 3:
        raise Malformed("A key must be written as name+id+base64.")
    raw = octets(parts[2], "The key")
    if raw[:1] not in {bytes([kind]) for kind in Kind}:
        known = ", ".join(f"{kind.value} ({kind.name})" for kind in Kind)
        raise Malformed(f"The key is of a type that is not known here; these are: {known}.")
    return parts[0], parts[1], Kind(raw[0]), raw[1:]


def _key_id(name: str, kind: Kind, public: bytes) -> bytes:
    return sha256(name.encode() + b"\n" + bytes([kind]) + public).digest()[:4]


def _message(kind: Kind, name: str, text: str, timestamp: int) -> bytes:
    match kind:
        case Kind.ED25519:
            return text.encode()
        case Kind.COSIGNATURE:
            return cosignature_message(text, timestamp)
        case Kind.ML_DSA_44:
            return checkpoint_message(name, text, timestamp)
