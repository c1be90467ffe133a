"""Threads: those that wait for somebody, all open ones, and closed ones."""

from __future__ import annotations

from typing import Any

from starlette.responses import Response

from careplane.kernel.errors import Forbidden
from careplane.telehealth.messages.names import TOPICS
from careplane.telehealth.messages.parties import Asker
from careplane.telehealth.messages.pools import Pool
from careplane.telehealth.messages.reading import BOXES, MOST_UNREAD, Box
from careplane.web.i18n import mark
from careplane.web.pages.messages.shared import talk_of
from careplane.web.pages.people_of import people
from careplane.web.visit import Visit

TITLES: dict[Box, str] = {
    "waiting": mark("Waiting for an answer"),
    "open": mark("Still open"),
    "closed": mark("Closed"),
}


async def show(visit: Visit) -> Response:
    """GET /messages, with `box` and `after`."""
    talk, caller = talk_of(visit)
    asker = await talk.messages.pools.asker(caller)
    boxes: tuple[Box, ...] = ("open", "closed") if asker.is_patient else BOXES
    box = next((one for one in boxes if one == visit.query("box")), boxes[0])
    after = visit.query("after") or None
    lines, next_page = await talk.reading.box(caller, asker, box, cursor=after)
    return visit.render(
        "messages/list.html",
        lines=lines,
        box=box,
        boxes=[(one, TITLES[one]) for one in boxes],
        people=await people(visit, [line.thread.patient for line in lines]),
        is_patient=asker.is_patient,
        pools=[one.party.name for one in await _pools(visit, asker) if one.party.name],
        topics=TOPICS,
        next_page=f"/messages?box={box}&after={next_page}" if next_page else "",
        first_page=f"/messages?box={box}" if after else "",
        sent=visit.query("sent"),
    )


async def unread(visit: Visit) -> Response:
    """GET, by the script of the frame: how many are unread, to stand beside the link; nothing for
    who may not see messages."""
    talk, caller = talk_of(visit)
    try:
        count = await talk.reading.unread(caller, await talk.messages.pools.asker(caller))
    except Forbidden:
        count = 0
    return visit.render("messages/unread.html", count=count, most=MOST_UNREAD)


async def of_patient(visit: Visit, patient: str) -> dict[str, Any]:
    """The tab of the chart."""
    talk, caller = talk_of(visit)
    asker = await talk.messages.pools.asker(caller)
    lines, _ = await talk.reading.of_patient(caller, asker, patient)
    return {"lines": lines, "topics": TOPICS, "is_patient": asker.is_patient, "people": {}}


async def _pools(visit: Visit, asker: Asker) -> list[Pool]:
    """Those whose messages they answer."""
    if not asker.pools:
        return []
    talk, caller = talk_of(visit)
    everything = await talk.messages.pools.all(caller.tenant)
    return [one for one in everything if one.party.reference in asker.names]
