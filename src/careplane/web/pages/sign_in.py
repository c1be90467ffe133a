"""Sign in and out: the role picker of the demo, elsewhere a token from `careplane token`."""

from __future__ import annotations

from starlette.responses import Response

from careplane.kernel.errors import Incorrect, Unauthenticated
from careplane.web.forms import fields
from careplane.web.visit import Visit, local, redirect


async def show(visit: Visit) -> Response:
    """GET /sign-in."""
    return _form(visit, visit.query("next"))


async def enter(visit: Visit) -> Response:
    """POST /sign-in, with `role` in the demo and `token` anywhere."""
    sent = await fields(visit.request)
    goal = local(sent.get("next", "/"))
    answer = redirect(goal)
    try:
        _open(visit, answer, sent)
    except Unauthenticated as refused:
        return _form(visit, goal, refused.text, 401)
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
    visit.web.sessions.close(answer)
    return answer


def _form(visit: Visit, goal: str, problem: str = "", status: int = 200) -> Response:
    return visit.render(
        "pages/sign_in.html", status, roles=visit.web.roles, next=local(goal or "/"),
        problem=problem,
    )  # fmt: skip
