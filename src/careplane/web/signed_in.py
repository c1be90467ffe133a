"""Who is signed in, out of the sessions that there are: a person with an account, a role of the
demo, or a token that was pasted (`access.smart.people.People`)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from msgspec.structs import replace

from careplane.access.caller import Caller
from careplane.access.people.session import Session
from careplane.access.people.who import Who
from careplane.access.smart.people import SignedIn
from careplane.kernel.errors import Busy, Unauthenticated
from careplane.storage.ports.records import Tenant
from careplane.web.session import DemoRole, Sessions


@dataclass(frozen=True, slots=True)
class SessionPeople:
    """Roles of the demo have an account as long as there is the demo. Whoever pasted a token has
    none: what an app may do in its name ends with the token."""

    sessions: Sessions
    roles: tuple[DemoRole, ...]

    async def who(self, cookies: Mapping[str, str]) -> SignedIn | None:
        """As the session says."""
        token = cookies.get(self.sessions.cookie)
        if not token:
            return None
        try:
            found = self.sessions.tokens.read(token)
        except (Unauthenticated, Busy):
            return None
        if found.client:  # an app's token is no session of the person that it acts for
            return None
        lasting = any(role.caller.id == found.caller.id for role in self.roles)
        seen = _person(found.caller)
        proved = found.caller.proved or found.issued
        return replace(
            seen, session=found.id, auth_time=proved, until=found.expires, lasting=lasting
        )

    async def now(self, tenant: Tenant, id: str) -> SignedIn | None:
        """A role of the demo."""
        callers = (role.caller for role in self.roles)
        found = next((one for one in callers if (one.tenant, one.id) == (tenant, id)), None)
        return _person(found) if found else None


@dataclass(frozen=True, slots=True)
class AccountPeople:
    """People with accounts, and `others` where there is none."""

    accounts: Who
    others: SessionPeople

    async def who(self, cookies: Mapping[str, str]) -> SignedIn | None:
        """As the session of the account says."""
        try:
            session = await self.accounts.who(cookies)
        except Busy:
            return None
        return _account(session) if session else await self.others.who(cookies)

    async def now(self, tenant: Tenant, id: str) -> SignedIn | None:
        """As the account is now."""
        session = await self.accounts.now(tenant, id)
        return _account(session) if session else await self.others.now(tenant, id)


def _account(session: Session) -> SignedIn:
    return SignedIn(
        session.id,
        session.name,
        session.tenant,
        session.roles,
        session.caller.scopes,
        session.key,
        session.auth_time,
        session.until,
        session.patient,
        tuple(one.patient for one in session.patients),
        session.amr,
    )


def _person(caller: Caller) -> SignedIn:
    return SignedIn(
        caller.id, caller.name, caller.tenant, caller.roles, caller.scopes, "", 0, 0,
        caller.patient, purpose=caller.purpose,
    )  # fmt: skip
