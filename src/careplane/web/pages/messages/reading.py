"""One thread: what was said, and what can be done with it. To open it is to have read it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from starlette.responses import Response

from careplane.kernel.errors import CareplaneError
from careplane.rest.outcome import status_of
from careplane.telehealth.consults.consult import consult_of
from careplane.telehealth.messages.names import TOPICS
from careplane.telehealth.messages.parties import Party
from careplane.telehealth.messages.thread import Thread
from careplane.web.pages.messages.files import PICTURES, attached, files_of
from careplane.web.pages.messages.sending import done
from careplane.web.pages.messages.shared import (
    file_address,
    named_readers,
    said_in,
    talk_of,
    wrong,
)
from careplane.web.pages.people_of import people
from careplane.web.uploads import Form
from careplane.web.visit import Handler, Visit, redirect


async def show(visit: Visit) -> Response:
    """GET /messages/{id}. The thread of a consult is shown where it is answered."""
    talk, caller = talk_of(visit)
    consult = consult_of((await talk.messages.head(caller, visit.path("id"))).tree)
    return redirect(f"/consults/{consult}") if consult else await _page(visit, {}, {})


async def _reply(visit: Visit, form: Form) -> None:
    """One more message, with `text`, and `note` where it stays in the practice."""
    talk, caller = talk_of(visit)
    thread = await talk.messages.head(caller, visit.path("id"))
    files = await attached(visit, thread.patient.removeprefix("Patient/"), form.files)
    note = form.fields.get("note") == "yes"
    await talk.messages.reply(caller, thread.id, form.fields.get("text", ""), files, note=note)


async def _take(visit: Visit, form: Form) -> None:
    """With `instead_of`: who was seen to have it."""
    talk, caller = talk_of(visit)
    await talk.messages.take(caller, visit.path("id"), form.fields.get("instead_of", ""))


async def _hand_over(visit: Visit, form: Form) -> None:
    """With `to`, and perhaps a `note`."""
    talk, caller = talk_of(visit)
    to, note = form.fields.get("to", ""), form.fields.get("note", "")
    await talk.messages.hand_over(caller, visit.path("id"), to, note)


async def _close(visit: Visit, form: Form) -> None:
    talk, caller = talk_of(visit)
    await talk.messages.close(caller, visit.path("id"))


async def _reopen(visit: Visit, form: Form) -> None:
    talk, caller = talk_of(visit)
    await talk.messages.reopen(caller, visit.path("id"))


def _posted(work: Callable[[Visit, Form], Awaitable[None]]) -> Handler:
    """Back to the thread."""

    async def post(visit: Visit) -> Response:
        async def act(form: Form) -> str:
            await work(visit, form)
            return f"/messages/{visit.path('id')}#end"

        return await done(visit, act, _page, wrong)

    return post


reply = _posted(_reply)
"""POST /messages/{id}."""
CHANGES: dict[str, Handler] = {
    "take": _posted(_take),
    "hand-over": _posted(_hand_over),
    "close": _posted(_close),
    "reopen": _posted(_reopen),
}


async def _page(
    visit: Visit,
    sent: dict[str, str],
    problems: dict[str, str],
    error: CareplaneError | None = None,
) -> Response:
    talk, caller = talk_of(visit)
    asker = await talk.messages.pools.asker(caller)
    thread = await talk.messages.head(caller, visit.path("id"))
    takes_part = not asker.is_patient and thread.concerns(asker)
    return visit.render(
        "messages/thread.html",
        status_of(error) if error else 200,
        thread=thread,
        messages=await said_in(visit, asker, thread),
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
