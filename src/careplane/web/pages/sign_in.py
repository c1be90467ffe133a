"""Sign in and out: the role picker of the demo, elsewhere a token from `careplane token`."""

from __future__ import annotations

from starlette.responses import Response

from careplane.kernel.errors import Incorrect, Unauthenticated
from careplane.web.visit import Visit, local, redirect


async def show(visit: Visit) -> Response:
    """GET /sign-in."""
    return _form(visit, visit.query("next"))


async def enter(visit: Visit) -> Response:
    """POST /sign-in, with `role` in the demo and `token` anywhere."""
    async with visit.request.form(max_files=0, max_fields=10, max_part_size=16_384) as form:
        fields = {name: value for name, value in form.items() if isinstance(value, str)}
    goal = local(fields.get("next", "/"))
    answer = redirect(goal)
    try:
        _open(visit, answer, fields)
    except Unauthenticated as refused:
        return _form(visit, goal, refused.text, 401)
    return answer


def _open(visit: Visit, answer: Response, fields: dict[str, str]) -> None:
    sessions = visit.web.sessions
    if "role" in fields:
        role = next((r for r in visit.web.roles if r.key == fields["role"]), None)
        if role is None:
            raise Incorrect("There is no such role.")
        sessions.open(answer, role.caller)
    else:
        token = fields.get("token", "").strip()
        if not token:
            raise Unauthenticated("Paste a token first.")
        sessions.adopt(answer, token)


async def leave(visit: Visit) -> Response:
    """POST /sign-out."""
    answer = redirect("/sign-in")
    visit.web.sessions.close(answer)
    return answer


def _form(visit: Visit, goal: str, problem: str = "", status: int = 200) -> Response:
    return visit.render(
        "pages/sign_in.html", status, roles=visit.web.roles, next=local(goal or "/"),
        problem=problem,
    )  # fmt: skip
