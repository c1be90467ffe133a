"""The people of each tenant, in the StateStore: by id, and by what is theirs alone."""

from __future__ import annotations

import hashlib
from collections.abc import Callable

import msgspec
from msgspec.structs import replace

from careplane.access.here import IsHere, anywhere
from careplane.access.people.user import User, checked, folded
from careplane.kernel.errors import Conflict, NotFound
from careplane.storage.ports.records import Tenant
from careplane.storage.ports.state import StateStore

_USERS, _CLAIMS = "people", "people-claim"
_PAGE = 1000
_encode = msgspec.msgpack.encode
_user = msgspec.msgpack.Decoder(User).decode
NOBODY = "nobody"
"""An id that no user has, to ask for in as many steps as for one that is there."""


class Users:
    """Every process sees the same. A login and a resource belong to one user of a tenant. At the
    address of another tenant (`is_here`), there is no such user."""

    def __init__(self, state: StateStore, is_here: IsHere = anywhere) -> None:
        self._state = state
        self._is_here = is_here

    async def add(self, user: User) -> User:
        """The user as it is kept. Raises Conflict where a login or a resource is taken, Incorrect
        where there can be no such user."""
        user = checked(user)
        tenant = Tenant(user.tenant)
        # The user stands there before what is claimed for him: a claim of nobody may be taken over.
        await self._state.put(tenant, _USERS, user.id, _encode(user), expect=0)
        for claim in _claims(user):
            if not await self._claim(tenant, claim, user.id):
                await self._forget(user)
                raise Conflict(f"{claim.partition(' ')[2]} belongs to another user.")
        return user

    async def find(self, tenant: Tenant, id: str) -> User | None:
        """The user, disabled or not."""
        entry = await self._state.get(tenant, _USERS, id)
        return _user(entry.value) if entry and self._is_here(tenant) else None

    async def get(self, tenant: Tenant, id: str) -> User:
        """The user. Raises NotFound."""
        found = await self.find(tenant, id)
        if found is None:
            raise NotFound(f"There is no user {id[:64]!r}; see careplane user list.")
        return found

    async def by_login(self, tenant: Tenant, login: str) -> User | None:
        """The user of a login, in as many steps whether there is one or not."""
        entry = await self._state.get(tenant, _CLAIMS, _key(f"login {folded(login)}"))
        found = await self.find(tenant, entry.value.decode() if entry else NOBODY)
        return found if found and found.login == folded(login) else None

    async def by_resource(self, tenant: Tenant, reference: str) -> User | None:
        """The user who is this resource, disabled or not."""
        entry = await self._state.get(tenant, _CLAIMS, _key(f"is {reference}"))
        found = await self.find(tenant, entry.value.decode()) if entry else None
        return found if found and reference in found.resources else None

    async def named(self, tenant: Tenant, name: str) -> User:
        """The user of an id or a login. Raises NotFound."""
        return await self.by_login(tenant, name) or await self.get(tenant, name)

    async def all(self, tenant: Tenant) -> list[User]:
        """All of a tenant, by id, which is in order of time."""
        found: list[User] = []
        while True:
            after = found[-1].id if found else ""
            page = await self._state.scan(tenant, _USERS, after, _PAGE)
            found += [_user(entry.value) for _, entry in page]
            if len(page) < _PAGE:
                return found

    async def change(self, tenant: Tenant, id: str, change: Callable[[User], User]) -> User:
        """Change all but the id, the login and the resources; the user as it is then. What
        `change` raises passes through. Raises NotFound."""
        while True:
            entry = await self._state.get(tenant, _USERS, id)
            if entry is None:
                raise NotFound(f"There is no user {id[:64]!r}; see careplane user list.")
            now = _user(entry.value)
            then = checked(
                replace(change(now), id=now.id, login=now.login, resources=now.resources)
            )
            if await self._state.put(tenant, _USERS, id, _encode(then), entry.revision):
                return then

    async def remove(self, tenant: Tenant, id: str) -> User:
        """Take one out; who it was. Raises NotFound."""
        user = await self.get(tenant, id)
        await self._forget(user)
        return user

    async def _forget(self, user: User) -> None:
        """The user, and those claims that are still his."""
        tenant = Tenant(user.tenant)
        await self._state.drop(tenant, _USERS, user.id)
        for claim in _claims(user):
            entry = await self._state.get(tenant, _CLAIMS, _key(claim))
            if entry and entry.value.decode() == user.id:
                await self._state.drop(tenant, _CLAIMS, entry.key, entry.revision)

    async def _claim(self, tenant: Tenant, claim: str, id: str) -> bool:
        """Whether it is this user's now; what is left of one who is not there is taken over."""
        key = _key(claim)
        if await self._state.put(tenant, _CLAIMS, key, id.encode(), expect=0):
            return True
        entry = await self._state.get(tenant, _CLAIMS, key)
        if entry is None or await self.find(tenant, entry.value.decode()):
            return False
        return bool(await self._state.put(tenant, _CLAIMS, key, id.encode(), expect=entry.revision))


def _claims(user: User) -> tuple[str, ...]:
    return (f"login {folded(user.login)}", *(f"is {one}" for one in user.resources))


def _key(claim: str) -> str:
    return hashlib.sha256(claim.encode("utf-8", "surrogatepass")).hexdigest()
