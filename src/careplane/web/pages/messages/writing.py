"""A new message: to the practice, to a patient, or among colleagues."""

from __future__ import annotations

from starlette.responses import Response

from careplane.kernel.errors import CareplaneError
from careplane.rest.outcome import status_of
from careplane.telehealth.messages.messages import named
from careplane.telehealth.messages.names import TOPICS
from careplane.telehealth.messages.parties import NOBODY, Party
from careplane.telehealth.messages.thread import Draft
from careplane.web.pages.messages.files import attached, files_of
from careplane.web.pages.messages.sending import done
from careplane.web.pages.messages.shared import patient_named, talk_of, wrong
from careplane.web.uploads import Form
from careplane.web.visit import Visit

_MANY = 200
TO = ("to", "to2", "to3")


async def show(visit: Visit) -> Response:
    """GET /messages/new, perhaps with `patient`."""
    return await _page(visit, {"patient": visit.query("patient"), "to": visit.query("to")}, {})


async def send(visit: Visit) -> Response:
    """POST: begin a thread."""
    talk, caller = talk_of(visit)

    async def begin(form: Form) -> str:
        sent = form.fields
        patient = sent.get("patient", "")
        kind = sent.get("kind", "colleagues" if not patient else "patient")
        found = await patient_named(visit, patient)
        who = Party(f"Patient/{found.id}", found.name.text) if found else NOBODY
        about = caller.patient or (patient if kind != "colleagues" else "")
        draft = Draft(
            sent.get("subject", ""),
            sent.get("text", ""),
            tuple(Party(sent[name]) for name in TO if sent.get(name)) if kind != "patient" else (),
            sent.get("topic", ""),
            who if kind != "colleagues" else NOBODY,
            internal=kind == "internal",
            priority="urgent" if sent.get("urgent") == "yes" else "routine",
            files=await attached(visit, about, form.files),
        )
        return f"/messages/{await talk.messages.begin(caller, draft)}"

    return await done(visit, begin, _page, wrong)


async def _page(
    visit: Visit,
    typed: dict[str, str],
    problems: dict[str, str],
    error: CareplaneError | None = None,
) -> Response:
    talk, caller = talk_of(visit)
    asker = await talk.messages.pools.asker(caller)
    status = status_of(error) if error else 200
    pools = await talk.messages.pools.all(caller.tenant)
    if asker.is_patient:
        return visit.render(
            "messages/to_practice.html",
            status,
            topics=TOPICS,
            taken=bool(pools),
            away=[(one.party.name, one.away) for one in pools if one.away],
            typed=typed,
            problems=problems,
            files=files_of(visit, caller.patient or ""),
        )
    colleagues = await visit.reader.glance(
        "Practitioner", [("_sort", "family"), ("_count", str(_MANY))]
    )
    return visit.render(
        "messages/compose.html",
        status,
        patient=await patient_named(visit, typed.get("patient", "")),
        colleagues=[
            (f"Practitioner/{tree['id']}", named(tree))
            for tree in colleagues.trees
            if f"Practitioner/{tree['id']}" != caller.id and tree.get("active", True)
        ],
        pools=[(one.party.reference, one.party.name) for one in pools],
        topics=TOPICS,
        typed=typed,
        problems=problems,
        files=files_of(visit, typed.get("patient", "")),
    )
