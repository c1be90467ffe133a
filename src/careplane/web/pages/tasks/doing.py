"""One task, and what is done with it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import cast

from starlette.responses import Response

from careplane.kernel.errors import CareplaneError
from careplane.rest.outcome import status_of
from careplane.telehealth.tasks.task import Priority
from careplane.web.pages.messages.sending import done
from careplane.web.pages.people_of import people
from careplane.web.pages.tasks.making import owners
from careplane.web.pages.tasks.shared import (
    CODES,
    PRIORITIES,
    STATUSES,
    address,
    tasks_of,
    wrong,
)
from careplane.web.uploads import Form
from careplane.web.visit import Handler, Visit

Sent = dict[str, str]
Work = Callable[[Visit, Sent, int], Awaitable[None]]


async def show(visit: Visit) -> Response:
    """GET /tasks/{id}."""
    return await _page(visit, {}, {})


async def _take(visit: Visit, sent: Sent, version: int) -> None:
    tasks, caller = tasks_of(visit)
    await tasks.take(caller, visit.path("id"))


async def _hand_over(visit: Visit, sent: Sent, version: int) -> None:
    tasks, caller = tasks_of(visit)
    to, note = sent.get("owner", ""), sent.get("note", "")
    await tasks.hand_over(caller, visit.path("id"), version, to, note)


async def _complete(visit: Visit, sent: Sent, version: int) -> None:
    tasks, caller = tasks_of(visit)
    await tasks.complete(caller, visit.path("id"), version, sent.get("note", ""))


async def _refuse(visit: Visit, sent: Sent, version: int) -> None:
    tasks, caller = tasks_of(visit)
    await tasks.refuse(caller, visit.path("id"), version, sent.get("reason", ""))


async def _comment(visit: Visit, sent: Sent, version: int) -> None:
    tasks, caller = tasks_of(visit)
    await tasks.comment(caller, visit.path("id"), sent.get("note", ""))


async def _change(visit: Visit, sent: Sent, version: int) -> None:
    tasks, caller = tasks_of(visit)
    priority = cast(Priority, sent.get("priority", ""))
    await tasks.change(caller, visit.path("id"), version, sent.get("due", ""), priority)


def _posted(work: Work) -> Handler:
    """Back to the task."""

    async def post(visit: Visit) -> Response:
        async def act(form: Form) -> str:
            seen = form.fields.get("version", "")
            number = int(seen[:9]) if seen.isascii() and seen.isdigit() else 0
            await work(visit, form.fields, number)
            return f"/tasks/{visit.path('id')}"

        return await done(visit, act, _page, wrong)

    return post


CHANGES: dict[str, Handler] = {
    "take": _posted(_take),
    "hand-over": _posted(_hand_over),
    "complete": _posted(_complete),
    "refuse": _posted(_refuse),
    "comment": _posted(_comment),
    "change": _posted(_change),
}


async def _page(
    visit: Visit, typed: Sent, problems: dict[str, str], error: CareplaneError | None = None
) -> Response:
    tasks, caller = tasks_of(visit)
    task = await tasks.read(caller, visit.path("id"))
    return visit.render(
        "tasks/task.html",
        status_of(error) if error else 200,
        task=task,
        is_mine=task.owner.reference == caller.id,
        asked_by_me=task.requester.reference == caller.id,
        people=await people(visit, [task.patient]),
        owners=await owners(visit) if task.is_open else {"pools": [], "people": []},
        statuses=STATUSES,
        priorities=PRIORITIES,
        codes=CODES,
        elsewhere=address(task) if not address(task).startswith("/tasks/") else "",
        now=visit.web.clock(),
        typed=typed,
        problems=problems,
    )
