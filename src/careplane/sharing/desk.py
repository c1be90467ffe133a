"""All that is shared at one desk: what pages ask."""

from __future__ import annotations

from dataclasses import dataclass

from careplane.sharing.cards.cards import Cards
from careplane.sharing.exchange.exchange import Exchange
from careplane.sharing.ips.summaries import Summaries
from careplane.sharing.links.shares import Shares


@dataclass(frozen=True, slots=True)
class SharingDesk:
    """Of an installation."""

    summaries: Summaries
    shares: Shares
    cards: Cards
    exchange: Exchange | None = None
