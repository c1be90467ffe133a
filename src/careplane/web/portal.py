"""What the pages of the patient's portal ask for, besides reading."""

from __future__ import annotations

from dataclasses import dataclass, field

from careplane.access.people.standing import Ages
from careplane.care.corrections.corrections import Corrections
from careplane.care.proxies.proxies import Proxies
from careplane.telehealth.scheduling.calendars.feeds import Feeds
from careplane.telehealth.scheduling.desk import Desk


@dataclass(frozen=True, slots=True)
class Portal:
    """`desk` cancels visits, `feeds` are calendars at secret addresses, `corrections` takes what is
    said to be wrong, `proxies` lets others act for a patient, to whose `ages` parents may."""

    desk: Desk
    feeds: Feeds
    corrections: Corrections
    proxies: Proxies
    ages: Ages = field(default_factory=Ages)
