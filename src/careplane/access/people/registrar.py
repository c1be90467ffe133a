"""What an operator or an administrator does with people: add, invite, reset, disable, enable,
remove, grant and withdraw roles. What ends somebody's rights does so within seconds on every
process."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from msgspec.structs import replace

from careplane.access.people.invitations import Invitations
from careplane.access.people.proofs import Book
from careplane.access.people.registry import Users
from careplane.access.people.sessions import Sessions
from careplane.access.people.user import User, checked, usual_roles
from careplane.access.policy.terms import UNASSIGNED
from careplane.kernel.clock import Clock
from careplane.kernel.errors import Conflict, Forbidden, Incorrect, NotFound
from careplane.kernel.ids import new_id
from careplane.storage.ports.records import Tenant

Roles = Callable[[Tenant], frozenset[str]]
"""The roles that the policies of a tenant know."""

Exists = Callable[[Tenant, str], Awaitable[bool]]
"""Whether there is such a resource, as `Practitioner/17`, that has not been deleted."""


Closed = Callable[[Tenant, tuple[str, ...]], Awaitable[None]]
"""Hears of an account that may not be used any more, by the resources that its person is."""


async def nobody_hears(tenant: Tenant, resources: tuple[str, ...]) -> None:
    """Where nothing hangs on accounts."""


class Registrar:
    """`by` is the id of the user who asks, empty for the command line: nobody changes his own
    rights. Raises NotFound for a user who is not there."""

    def __init__(
        self,
        users: Users,
        book: Book,
        sessions: Sessions,
        invitations: Invitations,
        roles: Roles,
        exists: Exists,
        clock: Clock,
    ) -> None:
        self.users = users
        self.book = book
        self._sessions = sessions
        self._invitations = invitations
        self._roles = roles
        self._exists = exists
        self._clock = clock
        self.closed: Closed = nobody_hears

    def roles(self, tenant: Tenant) -> frozenset[str]:
        """Those that may be granted."""
        return self._roles(tenant) - {UNASSIGNED}

    def require_roles(self, tenant: Tenant, roles: tuple[str, ...]) -> None:
        """Raises Incorrect for one that no policy knows."""
        known = self.roles(tenant)
        for role in roles:
            if role not in known:
                raise Incorrect(
                    f"No policy knows a role {role[:64]!r}; there are {', '.join(sorted(known))}."
                )

    async def add(
        self,
        tenant: Tenant,
        login: str,
        name: str,
        resources: tuple[str, ...],
        roles: tuple[str, ...] = (),
    ) -> tuple[User, str]:
        """A new user, and the code of the invitation. Without roles a patient or a proxy has the
        usual one, and a practitioner no rights. Raises NotFound for a resource that is not there:
        an id that nobody has yet may become anybody's."""
        given = roles or usual_roles(resources)
        self.require_roles(tenant, given)
        user = checked(User(new_id(), int(tenant), login, name, resources, given, self._clock()))
        for one in user.resources:
            if not await self._exists(tenant, one):
                raise NotFound(f"There is no {one} here; create it first.")
        user = await self.users.add(user)
        return user, await self._invitations.make(tenant, user.id)

    async def invite(self, tenant: Tenant, id: str) -> tuple[User, str]:
        """The code of another invitation, for one who cannot sign in yet. Raises Conflict for one
        who can: his way in is his own until it is reset."""
        user = await self.users.get(tenant, id)
        if (await self.book.get(tenant, id)).any:
            raise Conflict("This user can sign in already; reset takes that away and invites anew.")
        return user, await self._invitations.make(tenant, id)

    async def reset(self, tenant: Tenant, id: str, by: str = "") -> tuple[User, str]:
        """Take away all by which the user signs in, end the sessions, and invite anew."""
        self._not_oneself(id, by)
        user = await self.users.get(tenant, id)
        await self.book.forget(tenant, id)
        await self._sessions.end_all(tenant, id)
        return user, await self._invitations.make(tenant, id)

    async def disable(self, tenant: Tenant, id: str, by: str = "") -> User:
        """Nobody signs in as this user, and the sessions end."""
        self._not_oneself(id, by)
        user = await self.users.change(tenant, id, lambda one: replace(one, disabled=True))
        await self._invitations.withdraw(tenant, id)
        await self._sessions.end_all(tenant, id)
        await self.closed(tenant, user.resources)
        return user

    async def enable(self, tenant: Tenant, id: str) -> User:
        """May sign in again."""
        return await self.users.change(tenant, id, lambda one: replace(one, disabled=False))

    async def remove(self, tenant: Tenant, id: str, by: str = "") -> User:
        """As if there had been no such account, but for the audit trail. The FHIR resource
        stays."""
        await self.disable(tenant, id, by)
        await self.book.forget(tenant, id)
        return await self.users.remove(tenant, id)

    async def grant(self, tenant: Tenant, id: str, role: str, by: str = "") -> User:
        """One more role, from now on."""
        self._not_oneself(id, by)
        self.require_roles(tenant, (role,))
        return await self._roles_of(tenant, id, lambda roles: {*roles, role})

    async def withdraw(self, tenant: Tenant, id: str, role: str, by: str = "") -> User:
        """One role less, from now on."""
        self._not_oneself(id, by)
        return await self._roles_of(tenant, id, lambda roles: set(roles) - {role})

    async def _roles_of(
        self, tenant: Tenant, id: str, change: Callable[[tuple[str, ...]], set[str]]
    ) -> User:
        user = await self.users.change(
            tenant, id, lambda one: replace(one, roles=tuple(sorted(change(one.roles))))
        )
        await self._sessions.changed(tenant, id)
        return user

    @staticmethod
    def _not_oneself(id: str, by: str) -> None:
        if id == by:
            raise Forbidden("Nobody changes his own rights; ask another administrator.")
