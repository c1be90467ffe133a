"""All of this family, wired: what pages, the command line and other rooms take from it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from careplane.access.here import IsHere, anywhere
from careplane.access.people.changes import Changes
from careplane.access.people.codes import Sealer
from careplane.access.people.enrolment import Enrolment
from careplane.access.people.entrance import Entrance
from careplane.access.people.external import External
from careplane.access.people.invitations import Invitations
from careplane.access.people.once import Challenges
from careplane.access.people.passwords import Passwords
from careplane.access.people.proofs import Book
from careplane.access.people.provider import Provider, Registration, Web
from careplane.access.people.registrar import Exists, Registrar, Roles
from careplane.access.people.registry import Users
from careplane.access.people.sessions import Charges, Limits, Sessions
from careplane.access.people.throttle import Devices, Throttle
from careplane.access.people.who import Who
from careplane.kernel.clock import Clock
from careplane.storage.ports.records import Tenant
from careplane.storage.ports.state import StateStore

Derive = Callable[[str], bytes]
"""A key of 32 bytes for a purpose."""


@dataclass(frozen=True, slots=True)
class People:
    """Of every tenant, each at its own address. With a `provider` they sign in there, and nowhere
    else."""

    who: Who
    sessions: Sessions
    entrance: Entrance
    enrolment: Enrolment
    registrar: Registrar
    external: External
    provider: Provider | None
    changes: Changes
    challenges: Challenges

    async def sweep(self, tenants: Sequence[Tenant]) -> None:
        """Forget what has ended by itself."""
        await self.sessions.sweep(tenants)
        await self.challenges.sweep()


def people(
    state: StateStore,
    derive: Derive,
    clock: Clock,
    roles: Roles,
    charges: Charges,
    exists: Exists,
    limits: Limits,
    *,
    secure: bool = False,
    registration: Registration | None = None,
    web: Web | None = None,
    is_here: IsHere = anywhere,
) -> People:
    """Over the state of an installation. `is_here` tells whose address is asked; `secure` where
    browsers come over HTTPS; `web` asks the provider that `registration` tells of."""
    users, book, changes = Users(state, is_here), Book(state), Changes(state, clock)
    sealer, passwords = Sealer(derive("people")), Passwords()
    challenges = Challenges(state, derive("challenges"), clock)
    invitations = Invitations(state, clock)
    sessions = Sessions(state, users, charges, changes, clock, limits, is_here)
    devices = Devices(derive("devices"))
    return People(
        Who(sessions, secure),
        sessions,
        Entrance(users, book, passwords, sealer, challenges, Throttle(clock), devices, clock),
        Enrolment(users, book, invitations, passwords, sealer, challenges, clock),
        Registrar(users, book, sessions, invitations, roles, exists, clock),
        External(users),
        Provider(registration, web, sealer, clock) if registration and web else None,
        changes,
        challenges,
    )
