"""Which ways Tasks go, of which code."""

from __future__ import annotations

from careplane.access.caller import Caller
from careplane.access.decide import Decider
from careplane.access.scopes import Permission
from careplane.care.corrections import corrections
from careplane.care.documents import given
from careplane.care.forms import names, responses
from careplane.care.orders import referral
from careplane.care.prescribing import refill
from careplane.care.results import acknowledged
from careplane.records.admission import Keep
from careplane.records.courses import Course, keep
from careplane.search.plan import Nothing
from careplane.telehealth.consults import consult
from careplane.telehealth.tasks import task

COURSES: dict[str, Course] = {
    acknowledged.CODE: acknowledged.COURSE,
    consult.CODE: consult.COURSE,
    corrections.CODE: corrections.COURSE,
    given.CODE: given.COURSE,
    names.FILL: responses.COURSE,
    referral.CODE: referral.COURSE,
    refill.CODE: refill.COURSE,
    task.ADMINISTRATIVE: task.COURSE,
    task.TODO: task.COURSE,
}
"""By codes of `urn:careplane:task`."""


def tasks_kept(decider: Decider) -> dict[str, Keep]:
    """What guards them, by whatever way they are written."""

    def may(caller: Caller, letter: str, type: str) -> bool:
        return not isinstance(decider.by_right(caller, Permission(letter), type), Nothing)

    return {"Task": keep(COURSES, may)}
