"""What patients share, wired."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from careplane.access.caller import Caller
from careplane.app.dispatch import App
from careplane.app.keys import Keys
from careplane.app.peopling import stands_of
from careplane.app.settings import Settings
from careplane.fhir.codec import json
from careplane.kernel.clock import Clock
from careplane.kernel.ids import new_id, secret_id
from careplane.records.door import Door
from careplane.rest.addressing import ROOT, Addressing
from careplane.rest.links import Pages
from careplane.rest.operation import Operation
from careplane.sharing.cards import operations as card_operations
from careplane.sharing.cards import published
from careplane.sharing.cards.cards import KINDS, Cards
from careplane.sharing.cards.keys import IssuerKeys
from careplane.sharing.desk import SharingDesk
from careplane.sharing.exchange.exchange import Exchange
from careplane.sharing.exchange.partner import Partners
from careplane.sharing.ips import operations as ips
from careplane.sharing.ips.summaries import Summaries
from careplane.sharing.links.application import PREFIX, Application
from careplane.sharing.links.files import CARD, FHIR
from careplane.sharing.links.link import Link
from careplane.sharing.links.shares import Content, Make, Shares
from careplane.storage.ports.state import StateStore


@dataclass(frozen=True, slots=True)
class Sharing:
    """The desk, the operations over it, and what stands at which addresses."""

    desk: SharingDesk
    operations: tuple[Operation, ...]
    apps: Mapping[str, App]


def sharing(
    settings: Settings,
    key: Keys,
    state: StateStore,
    door: Door,
    clock: Clock,
    addressing: Addressing,
    partners: Partners,
) -> Sharing:
    """Over one door and one state."""
    summaries = Summaries(door, clock, secret_id)

    keys = IssuerKeys(key.derive("health-cards"))
    cards = Cards(door, keys, clock)
    programs = frozenset(filter(None, map(str.strip, settings.part2_roles.split(","))))
    exchange = Exchange(door, summaries, partners, clock, new_id, programs)
    shares = Shares(
        door,
        state,
        Pages(key.derive("health-links")),
        key.derive("health-link-passcodes"),
        clock,
        {
            "summary": Content(FHIR, summary_of(summaries)),
            **{kind: Content(CARD, _cards(cards, kind)) for kind in KINDS},
        },
        stands_of(settings, state, door, clock),
    )
    return Sharing(
        SharingDesk(summaries, shares, cards, exchange),
        (*ips.operations(summaries), *card_operations.operations(cards)),
        {
            PREFIX: Application(shares, addressing, clock),
            published.PATH: published.application(keys, clock),
        },
    )


def summary_of(summaries: Summaries) -> Make:
    """What a link with a summary gives, at each opening anew."""

    async def make(caller: Caller, link: Link, base: str) -> bytes:
        chosen = None if link.sections is None else frozenset(link.sections)
        made = await summaries.of(caller, link.patient, base, chosen, link.language)
        return json.dump(made)

    return make


def _cards(cards: Cards, kind: str) -> Make:
    async def make(caller: Caller, link: Link, base: str) -> bytes:
        issued = await cards.issue(caller, link.patient, kind, base.removesuffix(ROOT))
        return json.dump({"verifiableCredential": [card.jws for card in issued]})

    return make
