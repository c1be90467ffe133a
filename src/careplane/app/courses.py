"""Which ways Tasks go, of which code."""

from __future__ import annotations

from careplane.care.corrections import corrections
from careplane.care.documents import given
from careplane.care.forms import names, responses
from careplane.care.notes import cosignature
from careplane.care.orders import referral
from careplane.care.prescribing import refill
from careplane.care.results import acknowledged
from careplane.records.courses import Course
from careplane.sharing.exchange import steps as exchange
from careplane.telehealth.consults import consult
from careplane.telehealth.tasks import task

COURSES: dict[str, Course] = {
    acknowledged.CODE: acknowledged.COURSE,
    consult.CODE: consult.COURSE,
    corrections.CODE: corrections.COURSE,
    cosignature.CODE: cosignature.COURSE,
    cosignature.SENT_BACK: task.COURSE,
    given.CODE: given.COURSE,
    names.FILL: responses.COURSE,
    referral.CODE: referral.COURSE,
    exchange.INCOMING: exchange.COURSE,
    refill.CODE: refill.COURSE,
    task.ADMINISTRATIVE: task.COURSE,
    task.TODO: task.COURSE,
}
"""By codes of `urn:careplane:task`."""
