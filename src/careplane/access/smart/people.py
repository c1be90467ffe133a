"""Who is signed in, as the authorization server needs it. How people sign in is not its business:
`app` hands it somebody who knows (`People`)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from msgspec import Struct

from careplane.access.caller import TREATMENT, Caller
from careplane.access.scopes import Scope
from careplane.storage.ports.records import Tenant

SIGN_IN = "/sign-in"
"""The page at which people sign in; `?next=` is where they go on to, a path of this server."""


class SignedIn(Struct, frozen=True):
    """A person at a browser.

    `id` is stable and names the resource that the person is (`Practitioner/17`); `scopes` are the
    most that the person may, whatever the app. `patient` is the person's own record, `patients`
    those that a proxy may choose among; where both are empty, whatever the person can find.
    `auth_time` is when the person last proved who it is, and `until` when the session ends at the
    latest, in seconds since 1970; `amr` says how (RFC 8176). `session` is an id of the session that
    is no credential. `lasting`: the person has an account, so that an app may act for it later.
    """

    id: str
    name: str
    tenant: Tenant
    roles: frozenset[str]
    scopes: frozenset[Scope]
    session: str
    auth_time: int
    until: int
    patient: str | None = None
    patients: tuple[str, ...] = ()
    amr: tuple[str, ...] = ()
    purpose: str = TREATMENT
    lasting: bool = True

    def caller(self) -> Caller:
        """The person, without an app."""
        return Caller(
            self.tenant, self.id, self.name, self.scopes, self.patient, self.roles, self.purpose
        )


class People(Protocol):
    """Knows who is signed in, and what people may now."""

    async def who(self, cookies: Mapping[str, str]) -> SignedIn | None:
        """Who sits at the browser that sent these cookies; None for nobody."""

    async def now(self, tenant: Tenant, id: str) -> SignedIn | None:
        """A person as it is now, though not at a browser: an app asks in its name. `session`,
        `auth_time`, `until` and `amr` say nothing then. None where there is no such account, or it
        is not to be used."""
