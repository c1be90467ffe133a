"""What the pages of the patient's portal ask for, besides reading."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field

from careplane.access.people.standing import Ages
from careplane.care.corrections.corrections import Corrections
from careplane.care.proxies.proxies import Proxies
from careplane.telehealth.scheduling.calendars.feeds import Feeds
from careplane.telehealth.scheduling.desk import Desk

Names = Callable[[Sequence[str]], Awaitable[Mapping[str, str]]]
"""Names of tests for patients, by LOINC code, of those codes that have one."""


async def _no_names(codes: Sequence[str]) -> Mapping[str, str]:
    return {}


@dataclass(frozen=True, slots=True)
class Portal:
    """`desk` cancels visits, `feeds` are calendars at secret addresses, `corrections` takes what is
    said to be wrong, `proxies` lets others act for a patient, to whose `ages` parents may.
    `names` are those of tests that our own table does not have."""

    desk: Desk
    feeds: Feeds
    corrections: Corrections
    proxies: Proxies
    ages: Ages = field(default_factory=Ages)
    names: Names = field(default=_no_names)
