"""What `app.build` asks of this room: the institutions of an installation, wired."""

from __future__ import annotations

from dataclasses import dataclass, field

from careplane.access.tenants.institution import FIRST, Institution
from careplane.access.tenants.known import Tenants
from careplane.access.tenants.register import Register
from careplane.app.dispatch import App
from careplane.app.settings import Settings
from careplane.app.tenancy.each import Each
from careplane.app.tenancy.entrance import Entrance, usual
from careplane.app.tenancy.here import Here
from careplane.app.tenancy.pace import Pace
from careplane.interop.subscriptions.rooms import Rooms
from careplane.kernel.clock import Clock
from careplane.kernel.errors import NotFound
from careplane.records.door import Door
from careplane.records.parts import Parts
from careplane.records.profiles.policy import Policy
from careplane.records.profiles.policy import parse as profile_policy
from careplane.records.resealing import Resealing
from careplane.records.retention import Retention, parse_policy
from careplane.rest.addressing import Addressing
from careplane.storage.ports.keys import KeyKeeper
from careplane.storage.ports.records import Tenant
from careplane.storage.ports.state import StateStore


@dataclass(frozen=True, slots=True)
class Tenancy:
    """`known` is what requests are looked up in, `register` what an operator changes."""

    settings: Settings
    clock: Clock
    addressing: Addressing
    register: Register
    known: Tenants
    here: Here
    _bases: dict[Tenant, tuple[Institution, str]] = field(default_factory=dict)

    async def named(self, name: str) -> Institution:
        """An institution that is served, by its name; the first where none is named. Raises
        NotFound."""
        await self.known.look()
        found = self.known.by_name(name) if name else self.known.by_number(FIRST)
        if found is None:
            raise NotFound(
                f"There is no institution {name[:64]!r}, or it is disabled; "
                "see careplane tenant list."
            )
        return found

    def numbers(self) -> list[Tenant]:
        """All that are served now."""
        return [one.tenant for one in self.known.all()]

    def base_of(self, tenant: Tenant) -> str:
        """The address of a tenant's FHIR interface; empty where only a request says it."""
        found = self.known.by_number(tenant)
        if found is None:
            return ""
        known = self._bases.get(tenant)
        if known is None or known[0] is not found:
            known = self._bases[tenant] = (found, self.addressing.known(usual(found)))
        return known[1]

    def told_of(self, tenant: Tenant) -> str:
        """The same in what leaves without a request: where the settings have no address, the one
        that is listened on."""
        found = self.known.by_number(tenant)
        listening = Addressing(f"http://{self.settings.host}:{self.settings.port}")
        usually = self.addressing if self.addressing.base_url else listening
        return usually.known(usual(found)) if found else ""

    def held_to(self, tenant: Tenant) -> Policy:
        """Which profiles the resources of a tenant are held against when they are written."""
        found = self.known.by_number(tenant)
        return profile_policy(
            found.profiles if found and found.profiles else self.settings.profiles
        )

    def entrance(self, inner: App, door: Door) -> Entrance:
        """The outermost application."""
        pace = Pace(self.known, self.clock)
        return Entrance(inner, self.known, self.here, self.addressing, pace, door)

    def subscribing(self, rooms: Rooms) -> Each:
        """Subscriptions of all, in the background."""
        return Each(self.known.all, lambda one: rooms.of(one.tenant).serve())

    def resealing(self, parts: Parts, keeper: KeyKeeper, state: StateStore) -> Each:
        """Bodies of all brought under current keys, in the background."""
        return Each(self.known.all, lambda one: Resealing(parts, keeper, state, one.tenant)())

    def retaining(self, parts: Parts, state: StateStore) -> Each:
        """Histories of all that have a policy, trimmed in the background."""

        def chosen() -> list[Institution]:
            return [one for one in self.known.all() if self._retention(one)]

        async def retain(one: Institution) -> None:
            policy = parse_policy(self._retention(one))
            await Retention(parts, state, one.tenant, policy)()

        parse_policy(self.settings.history_retention)  # what is wrong with it is said at the start
        return Each(chosen, retain)

    def _retention(self, one: Institution) -> str:
        return one.retention or self.settings.history_retention


def tenancy(settings: Settings, state: StateStore, clock: Clock, addressing: Addressing) -> Tenancy:
    """Over the state of an installation."""
    register, known = Register(state, clock), Tenants(state, clock)
    return Tenancy(settings, clock, addressing, register, known, Here())
