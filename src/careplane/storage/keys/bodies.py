"""Bodies as they are kept: compressed, then encrypted (AES-256-GCM) under their patient's key.

sealed = number of the key (8) · nonce (12, random) · ciphertext · tag (16)

Tenant, type, id, version and form are bound to it, so a body opens nowhere but in its own place.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from careplane.kernel.errors import Fault
from careplane.search.rows import Rows
from careplane.storage.bodies import Bodies, Packed
from careplane.storage.keys.ring import Ring
from careplane.storage.ports.keys import COMMON
from careplane.storage.ports.records import Put, Tenant

SEALED = 1 << 12
"""Added to the number of a body's dictionary where it is encrypted."""
_NUMBER, _HEAD = 8, 20
_NONCE = 12
UNREADABLE = b"\0"
"""In the place of a body that does not open, where it is only compared with another."""
_PATIENT = "Patient"
Find = Callable[[bytes], AESGCM]
"""The key of a number; raises Fault."""


class NotAtHand(Fault):
    """A key that was in the ring has been let go meanwhile."""


class Place(NamedTuple):
    """Where a body stands."""

    tenant: Tenant
    type: str
    id: str
    version: int


def patient_of(type: str, id: str, rows: Rows) -> str:
    """Under whose key a resource belongs: a Patient under its own; what refers to exactly one
    patient, in whatever it is found by, under that one's; all else under the common one."""
    if type == _PATIENT:
        return id
    found = COMMON
    for row in rows.references:
        if row.type == _PATIENT and row.id != found:
            if found:
                return COMMON
            found = row.id
    return found


def patients_of(puts: Iterable[Put]) -> list[str]:
    """For each put, under whose key its body belongs."""
    return [patient_of(put.type, put.id, put.rows) for put in puts]


class SealedBodies:
    """Packs and opens bodies, for one thread at a time. `find` gives a key that is not in the
    ring."""

    def __init__(self, ring: Ring, find: Find) -> None:
        self._ring = ring
        self._find = find
        self._bodies = Bodies()

    def pack(
        self, rests: Sequence[bytes], methods: Sequence[int], places: Sequence[Place],
        patients: Sequence[str],
    ) -> list[Packed]:  # fmt: skip
        """Bodies under the current keys of their patients, which must be in the ring; `methods` are
        those bits of the column `form`."""
        packed = self._bodies.pack(rests)
        return [
            self.sealed(one, method, place, patient)
            for one, method, place, patient in zip(packed, methods, places, patients, strict=True)
        ]

    def sealed(self, packed: Packed, method: int, place: Place, patient: str) -> Packed:
        """One body that is compressed already."""
        encoding, body = packed
        encoding += SEALED
        tenant, type, id, version = place
        number = self._ring.own(tenant, patient)
        if number is None:
            raise NotAtHand("The key of a patient is not at hand")
        cipher = self._ring.ciphers.get(number) or self._find(number)
        nonce = os.urandom(_NONCE)
        bound = f"{tenant}/{type}/{id}/{version}/{encoding * 4 + method}".encode()
        return encoding, b"".join((number, nonce, cipher.encrypt(nonce, body, bound)))

    def unpack(
        self, tenant: Tenant, type: str, id: str, version: int, form: int, body: bytes
    ) -> bytes:
        """The body as it was. Raises Fault where it is not the one that was written in this place,
        or its key was destroyed."""
        encoding, packed = self.opened(tenant, type, id, version, form, body)
        return self._bodies.unpack(encoding, packed)

    def opened(
        self, tenant: Tenant, type: str, id: str, version: int, form: int, body: bytes
    ) -> Packed:
        """A body without its encryption, compressed still."""
        encoding = form >> 2
        if encoding < SEALED:
            if not self._ring.reads_plain:
                raise Fault(f"The body of {type}/{id} is not encrypted: it was not written by us")
            return encoding, body
        number = body[:_NUMBER]
        cipher = self._ring.ciphers.get(number) or self._find(number)
        bound = f"{tenant}/{type}/{id}/{version}/{form}".encode()
        try:
            plain = cipher.decrypt(body[_NUMBER:_HEAD], body[_HEAD:], bound)
        except (InvalidTag, ValueError):
            raise Fault(
                f"The body of version {version} of {type}/{id} is not the one that was written "
                "there: it was changed in the store, and is not served. Compare with a backup"
            ) from None
        return encoding - SEALED, plain


def number_in(form: int, body: bytes) -> bytes | None:
    """The number of the key that a body is under; None for one without encryption."""
    return body[:_NUMBER] if form >> 2 >= SEALED else None
