"""Administration of clients: the programs that get tokens by themselves (docs/access.md)."""

from __future__ import annotations

from starlette.responses import Response

from careplane.access.scopes import parse_scopes
from careplane.access.smart.client import Client
from careplane.access.smart.registrar import Registrar
from careplane.kernel.errors import Conflict, Incorrect, NotFound, Unsupported
from careplane.kernel.ids import new_id
from careplane.web.forms import fields
from careplane.web.pages.people.guard import session_of
from careplane.web.pages.people.opening import noted
from careplane.web.visit import Visit


async def everything(visit: Visit) -> Response:
    """GET /clients."""
    return await _list(visit)


async def add(visit: Visit) -> Response:
    """POST /clients, with `name`, `scope` and perhaps `jwks_uri`; a secret is shown once."""
    sent = await fields(visit.request)
    session = session_of(visit)
    try:
        made, secret = await _registrar(visit).add(
            Client(
                id=new_id(),
                tenant=int(session.tenant),
                name=sent.get("name", "").strip()[:128] or "Client",
                scopes=tuple(sorted(map(str, parse_scopes(sent.get("scope", ""))))),
                method="private_key_jwt" if sent.get("jwks_uri") else "client_secret",
                created=0,
                jwks_uri=sent.get("jwks_uri", ""),
            )
        )
    except (Incorrect, Conflict) as error:
        return await _list(visit, error.text, 400, sent=sent)
    await noted(visit, session.caller, "client-add", made.id)
    return await _list(visit, made=made, secret=secret)


async def change(visit: Visit) -> Response:
    """POST /clients/{id}, with `do`: enable, disable or remove."""
    do, id = (await fields(visit.request)).get("do", ""), visit.path("id")
    registrar, session = _registrar(visit), session_of(visit)
    client = await registrar.clients.get(id)
    if client.tenant != int(session.tenant):
        raise NotFound("There is no such client.")
    if do == "disable":
        await registrar.disable(id)
    elif do == "enable":
        await registrar.enable(id)
    elif do == "remove":
        await registrar.remove(id)
    else:
        raise NotFound("This is nothing that can be done with a client.")
    await noted(visit, session.caller, f"client-{do}", id)
    return await _list(visit)


async def _list(
    visit: Visit,
    problem: str = "",
    status: int = 200,
    made: Client | None = None,
    secret: str = "",
    sent: dict[str, str] | None = None,
) -> Response:
    tenant = int(session_of(visit).tenant)
    found = [one for one in await _registrar(visit).clients.all() if one.tenant == tenant]
    return visit.render(
        "people/clients.html",
        status,
        clients=sorted(found, key=lambda one: one.name),
        problem=problem,
        made=made,
        secret=secret,
        sent=sent or {},
    )


def _registrar(visit: Visit) -> Registrar:
    if visit.web.clients is None:
        raise Unsupported("There are no clients here.")
    return visit.web.clients
