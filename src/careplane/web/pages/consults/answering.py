"""One consult: what was asked and said, and what is done with it. To open it is to have read it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from starlette.responses import Response

from careplane.kernel.errors import CareplaneError, Forbidden, NotFound
from careplane.rest.outcome import status_of
from careplane.telehealth.consults.consult import Consult
from careplane.telehealth.messages.thread import Attached
from careplane.web.pages.consults.shared import QUESTIONS, STATUSES, consults_of, wrong
from careplane.web.pages.messages.files import PICTURES, attached, files_of
from careplane.web.pages.messages.reading import others_for
from careplane.web.pages.messages.sending import done
from careplane.web.pages.messages.shared import file_address, named_readers, said_in, talk_of
from careplane.web.pages.people_of import people
from careplane.web.uploads import Form
from careplane.web.visit import Handler, Visit

Sent = dict[str, str]
Work = Callable[[Visit, Sent, Sequence[Attached]], Awaitable[None]]


async def show(visit: Visit) -> Response:
    """GET /consults/{id}."""
    return await _page(visit, {}, {})


async def _take(visit: Visit, sent: Sent, files: Sequence[Attached]) -> None:
    consults, caller = consults_of(visit)
    await consults.take(caller, visit.path("id"))


async def _say(visit: Visit, sent: Sent, files: Sequence[Attached]) -> None:
    """Answer, ask back, note, or say more: which one is told by the button."""
    consults, caller = consults_of(visit)
    id, text, do = visit.path("id"), sent.get("text", ""), sent.get("do", "")
    if do == "note":
        await consults.note(caller, id, text)
    elif do == "ask":
        await consults.ask_back(caller, id, text, files)
    elif do == "add":
        await consults.add(caller, id, text, files)
    else:
        await consults.answer(caller, id, text, files, visit=do == "visit")


async def _refuse(visit: Visit, sent: Sent, files: Sequence[Attached]) -> None:
    consults, caller = consults_of(visit)
    await consults.refuse(caller, visit.path("id"), sent.get("reason", ""))


async def _withdraw(visit: Visit, sent: Sent, files: Sequence[Attached]) -> None:
    consults, caller = consults_of(visit)
    await consults.withdraw(caller, visit.path("id"))


async def _hand_over(visit: Visit, sent: Sent, files: Sequence[Attached]) -> None:
    consults, caller = consults_of(visit)
    to, note = sent.get("to", ""), sent.get("note", "")
    await consults.hand_over(caller, visit.path("id"), to, note)


def _posted(work: Work) -> Handler:
    """Back to the consult."""

    async def post(visit: Visit) -> Response:
        consults, caller = consults_of(visit)

        async def act(form: Form) -> str:
            held = await consults.read(caller, visit.path("id"))
            patient = held.task.patient.removeprefix("Patient/")
            await work(visit, form.fields, await attached(visit, patient, form.files))
            return f"/consults/{visit.path('id')}#end"

        return await done(visit, act, _page, wrong)

    return post


CHANGES: dict[str, Handler] = {
    "take": _posted(_take),
    "say": _posted(_say),
    "refuse": _posted(_refuse),
    "withdraw": _posted(_withdraw),
    "hand-over": _posted(_hand_over),
}


async def _page(
    visit: Visit, typed: Sent, problems: dict[str, str], error: CareplaneError | None = None
) -> Response:
    consults, caller = consults_of(visit)
    talk, _ = talk_of(visit)
    asker = await consults.messages.pools.asker(caller)
    held = await consults.read(caller, visit.path("id"))
    head = await talk.messages.head(caller, held.thread)
    asked = held.is_asked_by(asker)
    answers = not asked and not asker.is_patient and head.concerns(asker)
    return visit.render(
        "consults/consult.html",
        status_of(error) if error else 200,
        consult=held,
        thread=head,
        messages=await said_in(visit, asker, head),
        asked=await _asked(visit, held),
        is_patient=asker.is_patient,
        asks=asked,
        answers=answers and held.is_open,
        me=asker.me,
        others=await others_for(visit, head, alike=True) if answers and held.is_open else [],
        prescribes=visit.may("c", "MedicationRequest"),
        people=await people(visit, [held.task.patient]),
        statuses=STATUSES,
        files=files_of(visit, held.task.patient),
        pictures=PICTURES,
        file_address=file_address,
        named_readers=named_readers,
        now=visit.web.clock(),
        typed=typed,
        problems=problems,
    )


async def _asked(visit: Visit, held: Consult) -> list[tuple[str, str]]:
    """What was asked beforehand, with the answers; nothing where that is not for the caller."""
    if not held.answers:
        return []
    try:
        record = await visit.reader.read("QuestionnaireResponse", held.answers)
    except (NotFound, Forbidden):
        return []
    return [_pair(item) for item in record.tree.get("item", ())]


def _pair(item: dict[str, Any]) -> tuple[str, str]:
    said = (str(one.get("valueString", "")) for one in item.get("answer", ()))
    id = str(item.get("linkId", ""))
    return QUESTIONS.get(id, str(item.get("text", ""))), ", ".join(said)
