"""What the pages of the patient's portal ask for, besides reading."""

from __future__ import annotations

from dataclasses import dataclass

from careplane.care.corrections.corrections import Corrections
from careplane.telehealth.scheduling.calendars.feeds import Feeds
from careplane.telehealth.scheduling.desk import Desk


@dataclass(frozen=True, slots=True)
class Portal:
    """`desk` cancels visits, `feeds` are calendars at secret addresses, `corrections` takes what is
    said to be wrong."""

    desk: Desk
    feeds: Feeds
    corrections: Corrections
