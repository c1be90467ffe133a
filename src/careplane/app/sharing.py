"""What patients share, wired."""

from __future__ import annotations

from dataclasses import dataclass

from careplane.access.caller import Caller
from careplane.access.people.registry import Users
from careplane.app.dispatch import App
from careplane.app.keys import Keys
from careplane.app.scheduling import stands
from careplane.fhir.codec import json
from careplane.kernel.clock import Clock
from careplane.kernel.ids import secret_id
from careplane.records.door import Door
from careplane.rest.addressing import Addressing
from careplane.rest.links import Pages
from careplane.rest.operation import Operation
from careplane.sharing.desk import SharingDesk
from careplane.sharing.ips import operations as ips
from careplane.sharing.ips.summaries import Summaries
from careplane.sharing.links.application import PREFIX, Application
from careplane.sharing.links.files import FHIR
from careplane.sharing.links.link import Link
from careplane.sharing.links.shares import Content, Shares
from careplane.storage.ports.state import StateStore


@dataclass(frozen=True, slots=True)
class Sharing:
    """The desk, the operations over it, and what stands behind health links."""

    desk: SharingDesk
    operations: tuple[Operation, ...]
    app: App

    @property
    def prefix(self) -> str:
        """Below which address that is."""
        return PREFIX


def sharing(
    key: Keys, state: StateStore, door: Door, clock: Clock, addressing: Addressing
) -> Sharing:
    """Over one door and one state."""
    summaries = Summaries(door, clock, secret_id)

    async def summary(caller: Caller, link: Link, base: str) -> bytes:
        chosen = None if link.sections is None else frozenset(link.sections)
        return json.dump(await summaries.of(caller, link.patient, base, chosen))

    shares = Shares(
        door,
        state,
        Pages(key.derive("health-links")),
        key.derive("health-link-passcodes"),
        clock,
        {"summary": Content(FHIR, summary)},
        stands(Users(state)),
    )
    desk = SharingDesk(summaries, shares)
    return Sharing(desk, ips.operations(summaries), Application(shares, addressing, clock))
