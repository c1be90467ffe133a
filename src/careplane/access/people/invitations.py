"""Invitations: a link by which a person sets up how to sign in. Good once, for a day, and only the
last one of a user."""

from __future__ import annotations

import hashlib
import hmac
import secrets

import msgspec
from msgspec import Struct

from careplane.access.people.refusal import NotProven
from careplane.kernel.clock import Clock
from careplane.storage.ports.records import Tenant
from careplane.storage.ports.state import StateStore

_INVITATIONS = "people-invitation"
HOURS = 24
_LONGEST = 200
_OVER = "This invitation is over or was used. Ask the person who sent it for another one."


class _Invitation(Struct, frozen=True, array_like=True):
    digest: bytes
    until: int


_invitation = msgspec.msgpack.Decoder(_Invitation).decode


class Invitations:
    """Every process sees the same. Raises NotProven for a code that is not good."""

    def __init__(self, state: StateStore, clock: Clock) -> None:
        self._state = state
        self._clock = clock

    async def make(self, tenant: Tenant, user: str) -> str:
        """The code of a new one; the one before is over."""
        code = f"{int(tenant)}.{user}.{secrets.token_urlsafe(32)}"
        kept = _Invitation(_digest(code), self._clock() + HOURS * 3_600_000_000)
        await self._state.put(tenant, _INVITATIONS, user, msgspec.msgpack.encode(kept))
        return code

    async def find(self, code: str) -> tuple[Tenant, str]:
        """Whose it is."""
        tenant, user, _ = await self._found(code)
        return tenant, user

    async def use(self, code: str) -> None:
        """It is over from now on. Of many at once one succeeds."""
        tenant, user, revision = await self._found(code)
        if not await self._state.drop(tenant, _INVITATIONS, user, revision):
            raise NotProven("invitation used", _OVER)

    async def withdraw(self, tenant: Tenant, user: str) -> None:
        """The one of a user is over."""
        await self._state.drop(tenant, _INVITATIONS, user)

    async def _found(self, code: str) -> tuple[Tenant, str, int]:
        tenant, _, rest = code[:_LONGEST].partition(".")
        user = rest.partition(".")[0]
        if not tenant.isdecimal() or len(tenant) > 9 or len(code) > _LONGEST:
            raise NotProven("invitation", _OVER)
        entry = await self._state.get(Tenant(int(tenant)), _INVITATIONS, user)
        if entry is None:
            raise NotProven("invitation", _OVER)
        kept = _invitation(entry.value)
        if not hmac.compare_digest(kept.digest, _digest(code)) or kept.until <= self._clock():
            raise NotProven("invitation", _OVER)
        return Tenant(int(tenant)), user, entry.revision


def _digest(code: str) -> bytes:
    return hashlib.sha256(code.encode("utf-8", "surrogatepass")).digest()
