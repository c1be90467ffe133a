"""A new task."""

from __future__ import annotations

from starlette.responses import Response

from careplane.kernel.errors import CareplaneError
from careplane.rest.outcome import status_of
from careplane.telehealth.messages.messages import named
from careplane.telehealth.messages.parties import NOBODY, Party
from careplane.telehealth.tasks.task import PRIORITIES, Wanted
from careplane.web.pages.messages.sending import done
from careplane.web.pages.messages.shared import patient_named
from careplane.web.pages.tasks import shared
from careplane.web.pages.tasks.shared import tasks_of, wrong
from careplane.web.uploads import Form
from careplane.web.visit import Visit

_MANY = "200"


async def show(visit: Visit) -> Response:
    """GET /tasks/new, perhaps with `patient` and `focus`."""
    typed = {"patient": visit.query("patient"), "focus": visit.query("focus")}
    return await _page(visit, typed, {})


async def make(visit: Visit) -> Response:
    """POST: ask for it."""
    tasks, caller = tasks_of(visit)

    async def ask(form: Form) -> str:
        sent = form.fields
        patient = sent.get("patient", "")
        found = await patient_named(visit, patient)
        wanted = Wanted(
            sent.get("title", ""),
            Party(sent.get("owner", "")),
            Party(f"Patient/{found.id}", found.name.text) if found else NOBODY,
            sent.get("due", ""),
            next((one for one in PRIORITIES if one == sent.get("priority")), "routine"),
            sent.get("note", ""),
            sent.get("administrative") == "yes",
            sent.get("focus", ""),
        )
        await tasks.make(caller, wanted)
        return f"/patients/{patient}/tasks" if patient else "/tasks?box=asked"

    return await done(visit, ask, _page, wrong)


async def _page(
    visit: Visit,
    typed: dict[str, str],
    problems: dict[str, str],
    error: CareplaneError | None = None,
) -> Response:
    return visit.render(
        "tasks/new.html",
        status_of(error) if error else 200,
        patient=await patient_named(visit, typed.get("patient", "")),
        owners=await owners(visit),
        priorities=shared.PRIORITIES,
        typed=typed,
        problems=problems,
    )


async def owners(visit: Visit) -> dict[str, list[tuple[str, str]]]:
    """Who can be asked: pools, and colleagues, the caller first."""
    tasks, caller = tasks_of(visit)
    pools = await tasks.pools.all(caller.tenant)
    found = await visit.reader.glance("Practitioner", [("_sort", "family"), ("_count", _MANY)])
    everybody = [
        (f"Practitioner/{one['id']}", named(one)) for one in found.trees if one.get("active", True)
    ]
    everybody.sort(key=lambda one: one[0] != caller.id)
    return {"pools": [(one.party.reference, one.party.name) for one in pools], "people": everybody}
