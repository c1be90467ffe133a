"""Codes of FHIR that people meet, in words: required value sets of statuses and the like (R4).

A code means the same in every value set that has it here; where a resource says its own words
(`CodeableConcept.text`), those are about more than the code, and go first.
"""

from __future__ import annotations

from careplane.words.catalogues import gettext as _
from careplane.words.catalogues import mark

CODES: dict[str, str] = {
    # of conditions and allergies
    "active": mark("Active"),
    "recurrence": mark("Recurrence"),
    "relapse": mark("Relapse"),
    "inactive": mark("Inactive"),
    "remission": mark("Remission"),
    "resolved": mark("Resolved"),
    "unconfirmed": mark("Unconfirmed"),
    "provisional": mark("Provisional"),
    "differential": mark("Differential diagnosis"),
    "confirmed": mark("Confirmed"),
    "refuted": mark("Refuted"),
    "mild": mark("Mild"),
    "moderate": mark("Moderate"),
    "severe": mark("Severe"),
    # of requests, events and tasks
    "draft": mark("Draft"),
    "requested": mark("Requested"),
    "received": mark("Received"),
    "accepted": mark("Accepted"),
    "rejected": mark("Rejected"),
    "ready": mark("Ready"),
    "in-progress": mark("In progress"),
    "on-hold": mark("On hold"),
    "failed": mark("Failed"),
    "completed": mark("Completed"),
    "stopped": mark("Stopped"),
    "revoked": mark("Revoked"),
    "ended": mark("Ended"),
    "cancelled": mark("Cancelled"),
    "entered-in-error": mark("Entered in error"),
    "unknown": mark("Unknown"),
    "not-done": mark("Not done"),
    "not-taken": mark("Not taken"),
    "intended": mark("Intended"),
    "preparation": mark("In preparation"),
    "routine": mark("Routine"),
    "urgent": mark("Urgent"),
    "asap": mark("As soon as possible"),
    "stat": mark("Immediately"),
    # of results and documents
    "registered": mark("Registered"),
    "partial": mark("Partial"),
    "preliminary": mark("Preliminary"),
    "final": mark("Final"),
    "amended": mark("Amended"),
    "corrected": mark("Corrected"),
    "appended": mark("Appended"),
    "current": mark("Current"),
    "superseded": mark("Superseded"),
    # of visits
    "proposed": mark("Proposed"),
    "pending": mark("Pending"),
    "booked": mark("Booked"),
    "arrived": mark("Arrived"),
    "checked-in": mark("Checked in"),
    "waitlist": mark("On the waiting list"),
    "fulfilled": mark("Took place"),
    "noshow": mark("Did not come"),
    "planned": mark("Planned"),
    "triaged": mark("Triaged"),
    "onleave": mark("On leave"),
    "finished": mark("Finished"),
    "free": mark("Free"),
    "busy": mark("Busy"),
    "busy-unavailable": mark("Not available"),
    "busy-tentative": mark("Held"),
    # of goals and teams
    "suspended": mark("Suspended"),
    "achieved": mark("Achieved"),
    "not-achieved": mark("Not achieved"),
    # of addresses and numbers
    "home": mark("At home"),
    "work": mark("Work"),
    "temp": mark("Temporary"),
    "old": mark("Old"),
    "mobile": mark("Mobile"),
    "phone": mark("Phone"),
    "email": mark("E-mail"),
    "fax": mark("Fax"),
    "sms": mark("Text message"),
    "other": mark("Other"),
    # of people
    "male": mark("Male"),
    "female": mark("Female"),
}


def said(code: str) -> str:
    """The words of a code; empty where there are none."""
    return _(CODES.get(code, ""))
