"""Prove anew who one is, for what asks for a fresh proof: the session goes on under another
cookie."""

from __future__ import annotations

from starlette.responses import Response

from careplane.access.people.refusal import NotProven, SlowDown
from careplane.web.forms import fields
from careplane.web.pages.people.enter import as_json, begin_address, own
from careplane.web.pages.people.guard import people_of, session_of
from careplane.web.pages.people.opening import confirmed, failed, status_of, visitor
from careplane.web.visit import Visit, local, redirect


async def show(visit: Visit) -> Response:
    """GET /confirm?next=..."""
    return await _form(visit, local(visit.query("next")))


async def options(visit: Visit) -> Response:
    """POST /confirm/passkey/options."""
    return as_json(own(visit).entrance.passkey_options(visitor(visit), session_of(visit)))


async def by_passkey(visit: Visit) -> Response:
    """POST /confirm/passkey, with `credential` and `next`."""
    sent = await fields(visit.request)
    goal = local(sent.get("next", "/"))
    entrance = own(visit).entrance
    try:
        proven = await entrance.by_passkey(
            sent.get("credential", ""), visitor(visit), session_of(visit)
        )
    except NotProven as error:
        return await _again(visit, goal, error)
    return await confirmed(visit, redirect(goal), proven)


async def by_password(visit: Visit) -> Response:
    """POST /confirm, with `password`, `code` and `next`."""
    sent = await fields(visit.request)
    goal = local(sent.get("next", "/"))
    session = session_of(visit)
    try:
        proven = await own(visit).entrance.by_password(
            session.tenant,
            session.login,
            sent.get("password", ""),
            sent.get("code", "")[:64],
            visitor(visit),
        )
    except (NotProven, SlowDown) as error:
        return await _again(visit, goal, error, counted=True)
    return await confirmed(visit, redirect(goal), proven)


async def _again(
    visit: Visit, goal: str, error: NotProven | SlowDown, *, counted: bool = False
) -> Response:
    told = await failed(visit, "user-confirm", error, counted=counted)
    return await _form(visit, goal, told.text, status_of(told))


async def _form(visit: Visit, goal: str, problem: str = "", status: int = 200) -> Response:
    people, session = people_of(visit), session_of(visit)
    proofs = await people.registrar.book.get(session.tenant, session.user)
    return visit.render(
        "people/confirm.html",
        status,
        next=goal,
        problem=problem,
        provider=people.provider and people.provider.registration.label,
        begin=begin_address(goal, confirm=True),
        passkey=bool(proofs.passkeys and visit.site),
        password=bool(proofs.password),
    )
