"""What the patient's portal works with, wired."""

from __future__ import annotations

from functools import partial

from careplane.app.peopling import ages_of
from careplane.app.scheduling import Scheduling
from careplane.app.settings import Settings
from careplane.care.corrections.corrections import Corrections
from careplane.care.proxies.proxies import Proxies
from careplane.kernel.clock import Clock
from careplane.kernel.ids import new_id
from careplane.records.door import Door
from careplane.terminology.consumer import consumer_names
from careplane.terminology.library import Library
from careplane.web.portal import Portal


def portal(
    settings: Settings, door: Door, planned: Scheduling, clock: Clock, library: Library
) -> Portal:
    """For every tenant; `library` has the terminologies that are the same for all."""
    return Portal(
        planned.desk,
        planned.calendars,
        Corrections(door, clock, new_id),
        Proxies(door, clock, new_id),
        ages_of(settings),
        partial(consumer_names, library),
    )
