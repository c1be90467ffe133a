"""By what a user proves who he is, as it is kept."""

from __future__ import annotations

from collections.abc import Callable

import msgspec
from msgspec import Struct

from careplane.storage.ports.records import Tenant
from careplane.storage.ports.state import StateStore

_PROOFS = "people-proofs"
_encode = msgspec.msgpack.encode


class Passkey(Struct, frozen=True, array_like=True):
    """A credential of WebAuthn: its id, its public key (COSE), the last count of its signatures,
    and what its owner calls it. Moments are in microseconds since 1970."""

    id: bytes
    public_key: bytes
    count: int
    name: str
    created: int
    used: int = 0
    backed_up: bool = False


class Proofs(Struct, frozen=True, array_like=True):
    """All of one user. `password` is argon2id; `app` the sealed secret of an authenticator app and
    `step` the last step of time whose code was used; `recovery` digests of the codes that are
    left."""

    passkeys: tuple[Passkey, ...] = ()
    password: str = ""
    app: bytes = b""
    step: int = 0
    recovery: tuple[bytes, ...] = ()

    @property
    def any(self) -> bool:
        """Whether the user can sign in by one of them."""
        return bool(self.passkeys or (self.password and self.app))


_proofs = msgspec.msgpack.Decoder(Proofs).decode


class Book:
    """The proofs of all users. Every process sees the same."""

    def __init__(self, state: StateStore) -> None:
        self._state = state

    async def get(self, tenant: Tenant, user: str) -> Proofs:
        """Those of a user; none where there are none."""
        entry = await self._state.get(tenant, _PROOFS, user)
        return _proofs(entry.value) if entry else Proofs()

    async def change(self, tenant: Tenant, user: str, change: Callable[[Proofs], Proofs]) -> Proofs:
        """Change them; as they are then. Of changes at the same time each sees what the other has
        done, so `change` may refuse, by raising, what another has used up."""
        while True:
            entry = await self._state.get(tenant, _PROOFS, user)
            then = change(_proofs(entry.value) if entry else Proofs())
            expect = entry.revision if entry else 0
            if await self._state.put(tenant, _PROOFS, user, _encode(then), expect):
                return then

    async def forget(self, tenant: Tenant, user: str) -> None:
        """All of a user."""
        await self._state.drop(tenant, _PROOFS, user)
