"""The unwrapped keys of one process: what is looked up for every body, so it is one dictionary.

An engine fills it from its table. Bounded: beyond a limit, what was taken in first is let go.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterable
from typing import TypeVar

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from careplane.kernel.errors import Fault
from careplane.storage.keys.erasures import Erasures
from careplane.storage.keys.wrapping import ROOT, made, owner_of, unwrapped, wrapped
from careplane.storage.ports.keys import KeyRow
from careplane.storage.ports.records import Tenant

K = TypeVar("K")
V = TypeVar("V")
FRESH_SECONDS = 1.0
"""How long a process may go on to seal under a key that was superseded elsewhere."""
_CIPHERS = 20_000
_OWN = 50_000


class Ring:
    """`root`: 32 bytes of this installation, for this purpose alone. `enforced`: keys of the list
    of erasures are not taken in; without, they are, by whoever applies an erasure again."""

    def __init__(self, root: bytes, erasures: Erasures, *, enforced: bool = True) -> None:
        self._secret = hashlib.blake2b(b"owners", key=root, digest_size=32).digest()
        self._plain = hashlib.blake2b(b"plain bodies are read", key=root, digest_size=32).digest()
        wrapping = hashlib.blake2b(b"wrapping", key=root, digest_size=32).digest()
        self._parents: dict[bytes, AESGCM] = {ROOT: AESGCM(wrapping)}
        self.erasures = erasures
        self.enforced = enforced
        self.ciphers: dict[bytes, AESGCM] = {}
        """By number."""
        self._own: dict[tuple[Tenant, str], bytes] = {}
        self.reads_plain = False
        self._fresh_until = 0.0

    def owner(self, tenant: Tenant, patient: str) -> bytes:
        """Who a patient is in the table."""
        return owner_of(self._secret, tenant, patient)

    def permit(self, name: str) -> bytes:
        """What a table holds while bodies without encryption are read; made with the root, so that
        nobody else can write it there."""
        return hashlib.blake2b(name.encode(), key=self._plain, digest_size=32).digest()

    def knows(self, number: bytes) -> bool:
        return number in self.ciphers

    def own(self, tenant: Tenant, patient: str) -> bytes | None:
        """The number of a patient's current key, if it is here."""
        return self._own.get((tenant, patient))

    def admit(self, row: KeyRow) -> None:
        """Unwrap a key; that of its tenant must be here. Raises Fault for a row that is not right,
        or of a key that was destroyed."""
        if not row.wrapped or (self.enforced and (row.owner, row.number) in self.erasures):
            raise Fault("The key of this record was destroyed when its patient was erased")
        parent = self._parents.get(row.parent)
        if parent is None:
            raise Fault("The key of the tenant is missing from the table of keys")
        cipher = AESGCM(unwrapped(parent, row))
        if row.owner:
            _keep(self.ciphers, row.number, cipher, _CIPHERS)
        else:
            self._parents[row.number] = cipher

    def admit_own(self, tenant: Tenant, patient: str, row: KeyRow) -> None:
        """As `admit`, of a row that is the patient's current one."""
        if (row.tenant, row.owner) != (tenant, self.owner(tenant, patient)):
            raise Fault("The table of keys answers with another patient's key")
        self.admit(row)
        _keep(self._own, (tenant, patient), row.number, _OWN)

    def made(self, tenant: Tenant, owner: bytes, parent: bytes) -> KeyRow:
        """A new key, wrapped by one that is here; empty owner: a tenant's, wrapped by the root."""
        return made(self._parents[parent], parent, tenant, owner)[0]

    def rewrapped(self, row: KeyRow, parent: bytes) -> KeyRow:
        """The same key under another of the tenant."""
        key = unwrapped(self._parents[row.parent], row)
        under = KeyRow(row.number, row.tenant, row.owner, parent, row.current, b"")
        return wrapped(self._parents[parent], under, key)

    @property
    def fresh(self) -> bool:
        """Whether it was compared with the table a moment ago; otherwise do so before sealing."""
        return time.monotonic() < self._fresh_until

    def compared(self, *, changed: bool, reads_plain: bool) -> None:
        """It was compared; where keys have been superseded or destroyed, all are let go."""
        self._fresh_until = time.monotonic() + FRESH_SECONDS
        self.reads_plain = reads_plain
        if self.erasures.refresh() or changed:
            self.forget()

    def forget(self) -> None:
        self._own.clear()
        self.ciphers.clear()

    def unknown(self, numbers: Iterable[bytes]) -> list[bytes]:
        """Those whose keys are not here."""
        return [number for number in dict.fromkeys(numbers) if number not in self.ciphers]


def _keep(held: dict[K, V], key: K, value: V, limit: int) -> None:
    if len(held) >= limit:
        for old in list(held)[: limit // 4]:
            held.pop(old, None)
    held[key] = value
