"""One thread: what was said, and what can be done with it. To open it is to have read it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from starlette.responses import Response

from careplane.kernel.errors import CareplaneError, Conflict, Forbidden, Invalid, TooLarge, TooMany
from careplane.rest.outcome import status_of
from careplane.telehealth.consults.consult import consult_of
from careplane.telehealth.messages.names import TOPICS
from careplane.telehealth.messages.parties import Party
from careplane.telehealth.messages.thread import Thread
from careplane.web.forms import fields
from careplane.web.pages.messages.files import PICTURES, attached, files_of, form_of
from careplane.web.pages.messages.shared import (
    WRONG,
    file_address,
    named_readers,
    talk_of,
    wrong,
)
from careplane.web.pages.people_of import people
from careplane.web.visit import Handler, Visit, redirect

_TOLD = (Invalid, Conflict, Forbidden, TooMany)


async def show(visit: Visit) -> Response:
    """GET /messages/{id}. The thread of a consult is shown where it is answered."""
    talk, caller = talk_of(visit)
    consult = consult_of((await talk.messages.head(caller, visit.path("id"))).tree)
    return redirect(f"/consults/{consult}") if consult else await _page(visit, {}, {})


async def reply(visit: Visit) -> Response:
    """POST: one more message, with `text`, and `note` where it stays in the practice."""
    talk, caller = talk_of(visit)
    try:
        form = await form_of(visit)
    except TooLarge as error:
        return await _page(visit, {}, {"files": WRONG["files"]}, error)
    sent = form.fields

    async def work() -> None:
        thread = await talk.messages.head(caller, visit.path("id"))
        files = await attached(visit, thread.patient.removeprefix("Patient/"), form.files)
        note = sent.get("note") == "yes"
        await talk.messages.reply(caller, thread.id, sent.get("text", ""), files, note=note)

    return await _done(visit, sent, work)


async def take(visit: Visit) -> Response:
    """POST, with `instead_of`: who was seen to have it."""
    talk, caller = talk_of(visit)
    sent = await fields(visit.request)
    before = sent.get("instead_of", "")
    return await _done(visit, sent, lambda: talk.messages.take(caller, visit.path("id"), before))


async def hand_over(visit: Visit) -> Response:
    """POST, with `to`, and perhaps a `note`."""
    talk, caller = talk_of(visit)
    sent = await fields(visit.request)
    to, note = sent.get("to", ""), sent.get("note", "")
    return await _done(
        visit, sent, lambda: talk.messages.hand_over(caller, visit.path("id"), to, note)
    )


async def close(visit: Visit) -> Response:
    """POST."""
    talk, caller = talk_of(visit)
    return await _done(visit, {}, lambda: talk.messages.close(caller, visit.path("id")))


async def reopen(visit: Visit) -> Response:
    """POST."""
    talk, caller = talk_of(visit)
    return await _done(visit, {}, lambda: talk.messages.reopen(caller, visit.path("id")))


CHANGES: dict[str, Handler] = {
    "take": take,
    "hand-over": hand_over,
    "close": close,
    "reopen": reopen,
}


async def _done(
    visit: Visit, sent: dict[str, str], work: Callable[[], Awaitable[object]]
) -> Response:
    """Back to the thread; where it was refused, with what was typed and why."""
    try:
        await work()
    except _TOLD as error:
        return await _page(visit, sent, wrong(error), error)
    return redirect(f"/messages/{visit.path('id')}#end")


async def _page(
    visit: Visit,
    sent: dict[str, str],
    problems: dict[str, str],
    error: CareplaneError | None = None,
) -> Response:
    talk, caller = talk_of(visit)
    asker = await talk.messages.pools.asker(caller)
    thread = await talk.messages.head(caller, visit.path("id"))
    messages = await talk.reading.messages(caller, asker, thread.id)
    await talk.messages.receive(caller, asker, [one.tree for one in messages])
    takes_part = not asker.is_patient and thread.concerns(asker)
    return visit.render(
        "messages/thread.html",
        status_of(error) if error else 200,
        thread=thread,
        messages=messages,
        topics=TOPICS,
        is_patient=asker.is_patient,
        me=asker.me,
        takes_part=takes_part,
        others=await others_for(visit, thread) if takes_part and thread.is_open else [],
        away=await talk.messages.pools.away(caller.tenant, _audience(thread, asker.is_patient)),
        people=await people(visit, [thread.patient]),
        typed=sent,
        problems=problems,
        files=files_of(visit, thread.patient),
        pictures=PICTURES,
        file_address=file_address,
        named_readers=named_readers,
    )


def _audience(thread: Thread, is_patient: bool) -> list[Party]:
    """Whose absence whoever writes should know."""
    if not is_patient and not thread.is_internal:
        return []
    return [thread.owner] if thread.owner.reference else list(thread.pools)


async def others_for(
    visit: Visit, thread: Thread, *, alike: bool = False
) -> list[tuple[str, str, str]]:
    """Who it can be handed over to: pools (`alike`: those for its topic alone), and the people of
    its pools. Reference, name, away."""
    talk, caller = talk_of(visit)
    pools = talk.messages.pools
    found = [
        (pool.party.reference, pool.party.name, pool.away)
        for pool in await pools.all(caller.tenant)
        if pool.party.reference not in [one.reference for one in thread.pools]
        and (not alike or thread.topic in pool.topics)
    ]
    for pool in thread.pools:
        found += [
            (one.party.reference, one.party.name, one.away)
            for one in await pools.members(caller.tenant, pool.reference)
            if one.party.reference not in (caller.id, thread.owner.reference)
        ]
    return list(dict.fromkeys(found))
