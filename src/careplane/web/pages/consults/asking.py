"""Asking: a patient the practice, with words, answers and pictures; a clinician a colleague."""

from __future__ import annotations

from starlette.responses import Response

from careplane.kernel.errors import CareplaneError
from careplane.rest.outcome import status_of
from careplane.telehealth.consults.consult import Question
from careplane.telehealth.messages.parties import NOBODY, Party
from careplane.telehealth.messages.thread import Draft
from careplane.web.pages.consults.shared import QUESTIONS, consults_of, wrong
from careplane.web.pages.messages.files import attached, files_of
from careplane.web.pages.messages.sending import done
from careplane.web.pages.messages.shared import patient_named
from careplane.web.pages.tasks.making import owners
from careplane.web.uploads import Form
from careplane.web.visit import Visit


async def show(visit: Visit) -> Response:
    """GET /consults/new; for a clinician with `patient`."""
    return await _page(visit, {"patient": visit.query("patient")}, {})


async def send(visit: Visit) -> Response:
    """POST: ask."""
    consults, caller = consults_of(visit)

    async def ask(form: Form) -> str:
        sent = form.fields
        found = await patient_named(visit, sent.get("patient", ""))
        draft = Draft(
            sent.get("subject", ""),
            sent.get("text", ""),
            (Party(sent["to"]),) if sent.get("to") else (),
            patient=Party(f"Patient/{found.id}", found.name.text) if found else NOBODY,
            priority="urgent" if sent.get("urgent") == "yes" else "routine",
            files=await attached(visit, caller.patient or (found.id if found else ""), form.files),
        )
        answers = tuple((id, sent[id]) for id in QUESTIONS if sent.get(id))
        return f"/consults/{await consults.begin(caller, Question(draft, answers))}"

    return await done(visit, ask, _page, wrong)


async def _page(
    visit: Visit,
    typed: dict[str, str],
    problems: dict[str, str],
    error: CareplaneError | None = None,
) -> Response:
    consults, caller = consults_of(visit)
    asker = await consults.messages.pools.asker(caller)
    pools = await consults.messages.pools.all(caller.tenant)
    patient = typed.get("patient", "")
    return visit.render(
        "consults/new.html",
        status_of(error) if error else 200,
        is_patient=asker.is_patient,
        taken=bool(pools),
        hours=consults.promise,
        questions=QUESTIONS,
        patient=None if asker.is_patient else await patient_named(visit, patient),
        owners={} if asker.is_patient else await owners(visit),
        files=files_of(visit, caller.patient or patient),
        typed=typed,
        problems=problems,
    )
