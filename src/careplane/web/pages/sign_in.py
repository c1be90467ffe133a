"""Sign in and out: the role picker of the demo; elsewhere a passkey, a password, the institution's
provider (`pages.people`), or a token from `careplane token`."""

from __future__ import annotations

from urllib.parse import quote

from starlette.responses import Response

from careplane.kernel.errors import Incorrect, Unauthenticated
from careplane.records.commands import Note
from careplane.web.forms import fields
from careplane.web.security import LEAVING
from careplane.web.visit import Visit, local, redirect


async def show(visit: Visit) -> Response:
    """GET /sign-in."""
    return form(visit, visit.query("next"))


async def enter(visit: Visit) -> Response:
    """POST /sign-in, with `role` in the demo and `token` anywhere."""
    sent = await fields(visit.request)
    goal = local(sent.get("next", "/"))
    answer = redirect(goal)
    try:
        _open(visit, answer, sent)
    except Unauthenticated as refused:
        return form(visit, goal, refused.text, 401)
    return answer


def _open(visit: Visit, answer: Response, sent: dict[str, str]) -> None:
    sessions = visit.web.sessions
    if "role" in sent:
        role = next((r for r in visit.web.roles if r.key == sent["role"]), None)
        if role is None:
            raise Incorrect("There is no such role.")
        sessions.open(answer, role.caller)
    else:
        token = sent.get("token", "").strip()
        if not token:
            raise Unauthenticated("Paste a token first.")
        sessions.adopt(answer, token)


async def leave(visit: Visit) -> Response:
    """POST /sign-out."""
    apps = visit.web.apps
    person = await apps.authorization.people.who(visit.request.cookies) if apps else None
    if apps and person:
        await apps.authorization.session_over(person)
    answer = redirect("/sign-in")
    answer.headers.update(LEAVING)
    visit.web.sessions.close(answer)
    people, session = visit.web.people, visit.session
    if people and session and visit.caller:
        await people.sessions.leave(session)
        await visit.web.door.note(visit.caller, Note("user-sign-out", session.user))
        answer.delete_cookie(
            people.who.cookie, path="/", secure=visit.web.secure, httponly=True, samesite="lax"
        )
    return answer


def form(visit: Visit, goal: str, problem: str = "", status: int = 200) -> Response:
    """The page, with what went wrong."""
    people = None if visit.web.roles else visit.web.people
    provider = people.provider if people else None
    return visit.render(
        "pages/sign_in.html",
        status,
        roles=visit.web.roles,
        next=local(goal or "/"),
        problem=problem,
        own=people is not None and provider is None,
        passkeys=visit.site is not None,
        provider=provider and provider.registration.label,
        begin=f"/sign-in/provider/begin?next={quote(local(goal or '/'))}",
    )
