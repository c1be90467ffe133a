"""The forms of who is a patient: what is asked of me, what I began, what I sent."""

from __future__ import annotations

from starlette.responses import Response

from careplane.web.forms import fields
from careplane.web.pages.form_lists import forms_of, lists
from careplane.web.visit import Visit, redirect


async def show(visit: Visit) -> Response:
    """GET /forms: for patients and those who act for them; others come from a chart."""
    _, caller = forms_of(visit)
    if not caller.patient:
        return redirect("/patients")
    found = await lists(visit, caller.patient)
    asked = {one.response for one in found["asked"]}
    found["drafts"] = [one for one in found["drafts"] if one.id not in asked]
    return visit.render("forms/mine.html", said=visit.query("said"), **found)


async def begin(visit: Visit) -> Response:
    """POST /forms: begin what a task asks for, or go on with it."""
    forms, caller = forms_of(visit)
    sent = await fields(visit.request)
    made = await forms.begin(
        caller, "", caller.patient or "", task=sent.get("task", ""), language=visit.language
    )
    return redirect(f"/forms/{made}")
