"""Titles of the sections and templates that ship, for readers of other languages.

A note keeps the titles that it was written with. Where one is among these, pages say it in the
reader's language; any other is the writer's text and is shown as it is.
"""

from __future__ import annotations

from careplane.web.i18n import mark

_SHIPPED = (
    mark("Subjective"),
    mark("Objective"),
    mark("Assessment"),
    mark("Plan"),
    mark("Course since the last note"),
    mark("Vital signs"),
    mark("Examination"),
    mark("Medication"),
    mark("Assessment and plan"),
    mark("Why and who called"),
    mark("What was said"),
    mark("What was agreed and advised"),
    mark("Why you came"),
    mark("What we found"),
    mark("Your medicines"),
    mark("What to do next"),
    mark("When we see each other again"),
    mark("Why the patient was admitted"),
    mark("Course"),
    mark("Diagnoses at discharge"),
    mark("Medication at discharge"),
    mark("Allergies"),
    mark("Instructions"),
    mark("Follow-up"),
    mark("Addendum"),
    mark("SOAP note"),
    mark("Progress note"),
    mark("Telephone call"),
    mark("After-visit summary"),
    mark("Discharge summary"),
)
KNOWN = frozenset(_SHIPPED)


def known(title: str) -> str:
    """The title where a catalogue has it, so that it may be translated; else nothing."""
    return title if title in KNOWN else ""
