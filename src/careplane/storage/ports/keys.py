"""The port to the keys that bodies are encrypted under, beside reading and writing.

Every body is under the key of the one patient that it belongs to, or under the tenant's common key
(patient ""). A key that is superseded still opens what was sealed under it; one that is destroyed
opens nothing, in no copy of the store that is made from then on.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from msgspec import Struct

from careplane.storage.ports.records import Tenant

COMMON = ""
"""In the place of a patient: what belongs to none, or to several."""


class KeyRow(Struct, frozen=True, array_like=True):
    """A key as it is kept. `number` are 8 random bytes; `owner` a keyed hash of tenant and patient,
    empty for a tenant's key; `parent` the number of the key that wraps it, empty for the root;
    `wrapped` is empty once the key was destroyed."""

    number: bytes
    tenant: Tenant
    owner: bytes
    parent: bytes
    current: bool
    wrapped: bytes


class Reseal(Struct, frozen=True, array_like=True):
    """A version, and the patient whose key its body belongs under."""

    type: str
    id: str
    version: int
    t: int
    patient: str


class Census(Struct, frozen=True):
    """How the keys of a tenant stand. `plain`: bodies without encryption, from before there was
    any, are still read."""

    current: int
    superseded: int
    destroyed: int
    plain: bool


class KeyKeeper(Protocol):
    """Raises `Busy` or `Fault`, and nothing else of its own."""

    fresh_seconds: float
    """How long another process may go on to seal under a key that was superseded."""

    async def supersede(self, tenant: Tenant, patient: str | None) -> None:
        """New bodies of a patient, or of all (None), come under new keys. All processes do so
        `fresh_seconds` after this has returned."""

    async def rewrap(self, tenant: Tenant) -> int:
        """A new key of the tenant; how many keys were wrapped anew under it."""

    async def reseal(self, tenant: Tenant, items: Sequence[Reseal]) -> int:
        """Encrypt the bodies of these versions under current keys, as far as they are not; how
        many that were. Those that have gone are passed over."""

    async def retire(self, tenant: Tenant) -> int:
        """Destroy superseded keys that no body is under, and read no plain bodies any more where
        there are none; how many keys that were. To be called when nobody seals under superseded
        keys any more."""

    async def shred(self, tenant: Tenant, patient: str) -> int:
        """Destroy the superseded keys of a patient for good, after noting that in the list of
        erasures; how many there were. What is deleted in the engine's files is overwritten when
        this returns, as far as the engine can."""

    async def lingers(self, tenant: Tenant, patient: str) -> bool:
        """Whether superseded keys of a patient are there, so that `shred` had something to do."""

    async def has_current(self, tenant: Tenant, patient: str) -> bool:
        """Whether something was sealed for a patient since their keys were superseded."""

    async def returned(self, tenant: Tenant, patients: Sequence[str]) -> list[str]:
        """Those of the patients that were erased, and are there again in a copy from before."""

    async def pending(self) -> bool:
        """Whether a key that was destroyed is here again."""

    async def census(self, tenant: Tenant) -> Census:
        """Counts."""
