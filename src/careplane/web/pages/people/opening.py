"""What every way in ends with: a session in a cookie, the browser remembered, a note in the audit
trail; and what a failure leaves there."""

from __future__ import annotations

from typing import TypeVar

from starlette.responses import Response

from careplane.access.caller import Caller
from careplane.access.people.entrance import Proven
from careplane.access.people.refusal import NotProven, SlowDown
from careplane.access.people.sessions import Opened
from careplane.access.people.visitor import Visitor
from careplane.records.commands import Note
from careplane.web.pages.people.guard import people_of, session_of
from careplane.web.visit import Visit, address

_DEVICE_SECONDS = 400 * 86_400
Answer = TypeVar("Answer", bound=Response)


def visitor(visit: Visit) -> Visitor:
    """The browser that asks."""
    request = visit.request
    return Visitor(
        address(visit.web, request),
        request.headers.get("user-agent", "")[:200],
        request.cookies.get(_device(visit), ""),
        visit.site,
    )


async def welcome(
    visit: Visit,
    answer: Answer,
    proven: Proven,
    roles: tuple[str, ...] | None = None,
    proved: int | None = None,
) -> Answer:
    """Begin a session; the one that the browser had before is over, whosever it was."""
    people, asking = people_of(visit), visitor(visit)
    opened = await people.sessions.open(
        proven.user, proven.amr, asking.agent, asking.address, roles, proved
    )
    if visit.session:
        await people.sessions.leave(visit.session)
    await noted(
        visit, opened.session.caller, "user-sign-in", f"{opened.session.user} {_how(proven)}"
    )
    device = people.entrance.devices.remember(
        asking.device, opened.session.tenant, proven.user.login
    )
    _set(visit, answer, _device(visit), device, _DEVICE_SECONDS)
    put(visit, answer, opened)
    return answer


async def confirmed(visit: Visit, answer: Answer, proven: Proven, proved: int = 0) -> Answer:
    """The session goes on, freshly proven, under another cookie."""
    session = session_of(visit)
    opened = await people_of(visit).sessions.renew(session, proven.amr, proved)
    await noted(visit, session.caller, "user-confirm", f"{session.user} {_how(proven)}")
    put(visit, answer, opened)
    return answer


async def noted(visit: Visit, caller: Caller, operation: str, text: str) -> None:
    """Kept in the audit trail before the answer leaves."""
    where = address(visit.web, visit.request)
    named = Caller(caller.tenant, caller.id, caller.name, frozenset(), address=where)
    await visit.web.door.note(named, Note(operation, text))


async def failed(
    visit: Visit, operation: str, error: NotProven | SlowDown, *, counted: bool = False
) -> NotProven | SlowDown:
    """The same for who was not let in; what to tell him. Who is told to slow down leaves nothing
    more in the trail. `counted`: the failure counts as a guess already."""
    if isinstance(error, SlowDown):
        return error
    people, asking = people_of(visit), visitor(visit)
    try:
        if not counted:
            people.entrance.failed(asking)
    except SlowDown as slow:
        return slow
    stranger = Caller(visit.place.tenant, "", "", frozenset(), address=asking.address)
    await visit.web.door.refused(stranger, operation, error.reason, error)
    return error


def status_of(error: NotProven | SlowDown) -> int:
    """Of the page that says so."""
    return 429 if isinstance(error, SlowDown) else 401


def put(visit: Visit, answer: Response, opened: Opened) -> None:
    """The session's cookie; it ends with the browser, and on the server by its limits."""
    _set(visit, answer, people_of(visit).who.cookie, opened.cookie, None)


def take(visit: Visit, answer: Response) -> None:
    """Take the session's cookie."""
    if visit.web.people:
        answer.delete_cookie(
            visit.web.people.who.cookie, path="/", secure=visit.web.secure, httponly=True,
            samesite="lax",
        )  # fmt: skip


def _set(visit: Visit, answer: Response, name: str, value: str, seconds: int | None) -> None:
    answer.set_cookie(
        name, value, max_age=seconds, path="/", secure=visit.web.secure, httponly=True,
        samesite="lax",
    )  # fmt: skip


def _device(visit: Visit) -> str:
    return "__Host-careplane-device" if visit.web.secure else "careplane-device"


def _how(proven: Proven) -> str:
    return "+".join(proven.amr)
