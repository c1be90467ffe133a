"""What the patient's portal works with, wired."""

from __future__ import annotations

from careplane.app.scheduling import Scheduling
from careplane.care.corrections.corrections import Corrections
from careplane.kernel.clock import Clock
from careplane.kernel.ids import new_id
from careplane.records.door import Door
from careplane.web.portal import Portal


def portal(door: Door, planned: Scheduling, clock: Clock) -> Portal:
    """For every tenant."""
    return Portal(planned.desk, planned.calendars, Corrections(door, clock, new_id))
