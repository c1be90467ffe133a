"""Administration of people: who may sign in, as whom, and with which roles."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable

from starlette.responses import Response

from careplane.access.people.registrar import Registrar
from careplane.access.people.user import User
from careplane.kernel.errors import CareplaneError, Conflict, Forbidden, Incorrect, NotFound
from careplane.records.commands import Create
from careplane.storage.ports.records import Tenant
from careplane.web.forms import fields
from careplane.web.pages.people.guard import people_of, session_of
from careplane.web.pages.people.opening import noted
from careplane.web.visit import Visit, redirect

Done = tuple[User, str]
"""The user as he is then, and the code of an invitation if there is a new one."""


async def everybody(visit: Visit) -> Response:
    """GET /people."""
    return await _list(visit)


async def add(visit: Visit) -> Response:
    """POST /people, with `login`, `name`, `is` and `role`."""
    sent = await fields(visit.request)
    people, session = people_of(visit), session_of(visit)
    name, given = sent.get("name", ""), tuple(sent.get("is", "").split())
    roles = (sent["role"],) if sent.get("role") else ()
    try:
        people.registrar.require_roles(session.tenant, roles)
        if not name.strip() or not sent.get("login", "").strip():
            raise Incorrect("A person has a login and a name.")
        resources = given or (await _practitioner(visit, name.strip()),)
        user, code = await people.registrar.add(
            session.tenant, sent["login"], name, resources, roles
        )
    except (Incorrect, Conflict, NotFound) as error:
        return await _list(visit, error.text, 400, sent)
    await noted(visit, session.caller, "user-add", user.id)
    return await _one(visit, user, code)


async def show(visit: Visit) -> Response:
    """GET /people/{id}."""
    registrar, session = people_of(visit).registrar, session_of(visit)
    return await _one(visit, await registrar.users.get(session.tenant, visit.path("id")))


async def change(visit: Visit) -> Response:
    """POST /people/{id}, with `do`, and `role` for `grant` and `withdraw`."""
    sent = await fields(visit.request)
    registrar, session = people_of(visit).registrar, session_of(visit)
    id, do, role = visit.path("id"), sent.get("do", ""), sent.get("role", "")
    work = ACTIONS.get(do)
    if work is None:
        raise NotFound("This is nothing that can be done with a user.")
    try:
        user, code = await work(registrar, session.tenant, id, role, session.user)
    except (Incorrect, Conflict, Forbidden) as error:
        now = await registrar.users.get(session.tenant, id)
        return await _one(visit, now, problem=error, status=400)
    operation = f"role-{do}" if do in ("grant", "withdraw") else f"user-{do}"
    await noted(visit, session.caller, operation, f"{id} {role}".strip())
    if do == "remove":
        return redirect("/people")
    return await _one(visit, user, code) if code else redirect(f"/people/{id}")


Work = Callable[[Registrar, Tenant, str, str, str], Awaitable[Done]]


async def _disable(registrar: Registrar, t: Tenant, id: str, role: str, by: str) -> Done:
    return await registrar.disable(t, id, by), ""


async def _enable(registrar: Registrar, t: Tenant, id: str, role: str, by: str) -> Done:
    return await registrar.enable(t, id), ""


async def _remove(registrar: Registrar, t: Tenant, id: str, role: str, by: str) -> Done:
    return await registrar.remove(t, id, by), ""


async def _grant(registrar: Registrar, t: Tenant, id: str, role: str, by: str) -> Done:
    return await registrar.grant(t, id, role, by), ""


async def _withdraw(registrar: Registrar, t: Tenant, id: str, role: str, by: str) -> Done:
    return await registrar.withdraw(t, id, role, by), ""


ACTIONS: dict[str, Work] = {
    "invite": lambda registrar, t, id, role, by: registrar.invite(t, id),
    "reset": lambda registrar, t, id, role, by: registrar.reset(t, id, by),
    "disable": _disable,
    "enable": _enable,
    "remove": _remove,
    "grant": _grant,
    "withdraw": _withdraw,
}


async def _practitioner(visit: Visit, name: str) -> str:
    """A new Practitioner of this name, made as the administrator."""
    raw = json.dumps({"resourceType": "Practitioner", "active": True, "name": [{"text": name}]})
    caller = session_of(visit).caller
    written = await visit.web.door.create(caller, Create("Practitioner", raw.encode()))
    assert written.version is not None
    return f"Practitioner/{written.version.id}"


async def _list(
    visit: Visit, problem: str = "", status: int = 200, sent: dict[str, str] | None = None
) -> Response:
    registrar, session = people_of(visit).registrar, session_of(visit)
    users = await registrar.users.all(session.tenant)
    return visit.render(
        "people/people.html",
        status,
        users=sorted(users, key=lambda one: one.login),
        roles=sorted(registrar.roles(session.tenant)),
        problem=problem,
        sent=sent or {},
    )


async def _one(
    visit: Visit,
    user: User,
    code: str = "",
    problem: CareplaneError | None = None,
    status: int = 200,
) -> Response:
    people, session = people_of(visit), session_of(visit)
    url = visit.request.url
    base = visit.web.addressing.origin(visit.place) or f"{url.scheme}://{url.netloc}"
    return visit.render(
        "people/user.html",
        status,
        user=user,
        proofs=await people.registrar.book.get(session.tenant, user.id),
        sessions=len(await people.sessions.of(session.tenant, user.id)),
        roles=sorted(people.registrar.roles(session.tenant) - set(user.roles)),
        oneself=user.id == session.user,
        provider=people.provider and people.provider.registration.label,
        link=f"{base}/set-up?code={code}" if code and not people.provider else "",
        problem=problem.text if problem else "",
    )
