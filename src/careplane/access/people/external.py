"""Whom an external provider means: the user of that login, and from the first time on nobody else
who comes to have the same name there."""

from __future__ import annotations

import hashlib

from msgspec.structs import replace

from careplane.access.people.entrance import Proven
from careplane.access.people.provider import Said
from careplane.access.people.refusal import NotProven
from careplane.access.people.registry import Users
from careplane.access.people.user import User
from careplane.storage.ports.records import Tenant

_UNKNOWN = "Your institution knows you, and this server does not: ask for an account here."


class External:
    """Raises NotProven where there is no such user, or it is another person."""

    def __init__(self, users: Users) -> None:
        self._users = users

    async def arrive(self, tenant: Tenant, issuer: str, said: Said) -> Proven:
        """The user."""
        user = await self._users.by_login(tenant, said.login)
        if user is None or user.disabled:
            raise NotProven("provider: no user", _UNKNOWN)
        subject = hashlib.sha256(f"{issuer}\0{said.subject}".encode()).hexdigest()

        def bound(one: User) -> User:
            if one.subject not in ("", subject) or one.disabled:
                raise NotProven(f"provider: another subject {one.id}", _UNKNOWN)
            return replace(one, subject=subject)

        if user.subject != subject:
            user = await self._users.change(tenant, user.id, bound)
        return Proven(user, said.amr)
