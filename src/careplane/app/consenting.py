"""Consents, labels and emergency access, wired from the settings."""

from __future__ import annotations

from pathlib import Path

from careplane.access.consent.book import BaseOf, Books
from careplane.access.consent.consents import Consents, House
from careplane.access.consent.data import Data
from careplane.access.fresh import Fresh
from careplane.access.labels import tables
from careplane.access.labels.labelling import Labelling
from careplane.access.policy.terms import PURPOSES
from careplane.access.smart.tokens import Tokens
from careplane.app.settings import Settings
from careplane.kernel.clock import Clock
from careplane.kernel.errors import Incorrect
from careplane.kernel.ids import NewId
from careplane.records.break_glass import BreakGlass, Choice
from careplane.search.registry import r4_registry
from careplane.storage.ports.records import RecordStore
from careplane.storage.ports.state import StateStore


def consents(settings: Settings, store: RecordStore, clock: Clock, base_of: BaseOf) -> Consents:
    """Raises Incorrect for a purpose of use that is none."""
    opt_in = _listed(settings.consent_opt_in)
    for purpose in sorted(opt_in - PURPOSES):
        raise Incorrect(
            f"CAREPLANE_CONSENT_OPT_IN: {purpose!r} is no purpose of use; use "
            f"{', '.join(sorted(PURPOSES))}."
        )
    house = House(opt_in, _listed(settings.part2_roles), _listed(settings.consent_roles))
    return Consents(Books(store, clock, base_of), Data(r4_registry()), house)


def labelling(settings: Settings) -> Labelling:
    """Raises Incorrect for a table that cannot be read."""
    folder = Path(settings.labels) if settings.labels else None
    sources, roles = _listed(settings.part2_sources), _listed(settings.label_roles)
    return Labelling(tables.load(folder), sources, roles)


def break_glass(
    settings: Settings,
    state: StateStore,
    tokens: Tokens,
    clock: Clock,
    new_id: NewId,
    fresh: Fresh,
) -> BreakGlass:
    """Emergency access."""
    choice = Choice(_listed(settings.break_glass_roles), settings.break_glass_minutes)
    return BreakGlass(state, tokens, clock, new_id, choice, fresh)


def _listed(text: str) -> frozenset[str]:
    return frozenset(filter(None, (part.strip() for part in text.split(","))))
