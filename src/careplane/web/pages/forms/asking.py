"""What is done with forms from a chart: begin one, ask for one, ask no more."""

from __future__ import annotations

from starlette.responses import Response

from careplane.kernel.errors import Incorrect
from careplane.web.forms import fields
from careplane.web.pages.form_lists import forms_of
from careplane.web.visit import Visit, redirect


async def act(visit: Visit) -> Response:
    """POST /patients/{id}/forms: begin one, ask for one, or ask no more."""
    forms, caller = forms_of(visit)
    patient = visit.path("id")
    sent = await fields(visit.request)
    match sent.get("do", ""):
        case "begin":
            chosen = _chosen(sent)
            made = await forms.begin(caller, chosen, patient, language=visit.language)
            return redirect(f"/forms/{made}")
        case "ask":
            due, note = sent.get("due", ""), sent.get("note", "")
            await forms.ask(caller, _chosen(sent), patient, due, note)
            return redirect(f"/patients/{patient}/forms?said=asked")
        case "withdraw":
            await forms.withdraw(caller, sent.get("task", ""))
            return redirect(f"/patients/{patient}/forms?said=withdrawn")
    raise Incorrect("Use the form on the page.")


def _chosen(sent: dict[str, str]) -> str:
    if not sent.get("questionnaire"):
        raise Incorrect("Choose a form.")
    return sent["questionnaire"]
