"""Apps that a person has allowed to act in its name: see them, and end that."""

from __future__ import annotations

from starlette.responses import Response

from careplane.access.smart.contexts import contexts_of, resources_of
from careplane.access.smart.launch.choices import choices
from careplane.access.smart.launch.grants import Grant
from careplane.access.smart.launch.offer import Offer
from careplane.kernel.clock import format_instant
from careplane.records.commands import Note
from careplane.web.chart.banner import Person, person
from careplane.web.forms import fields
from careplane.web.reader import Reader
from careplane.web.say.dates import say_date
from careplane.web.say.scopes import say_choices, say_duration
from careplane.web.visit import Visit, redirect, to_sign_in

_MOST = 20
"""Patients that are named; a clinician's app may have been opened for many."""


async def show(visit: Visit) -> Response:
    """GET /apps."""
    assert visit.web.apps is not None
    authorization = visit.web.apps.authorization
    someone = await visit.web.apps.who(visit.request)
    if someone is None:
        return to_sign_in(visit)
    rows = []
    for grant in await authorization.grants.of(someone.tenant, someone.id):
        client = await authorization.clients.find(grant.client)
        row = {
            "client": grant.client,
            "name": client.name if client else grant.client,
            "logo": client.logo if client else "",
            "since": say_date(format_instant(grant.given)),
            "scopes": say_choices(choices(_given(grant))),
            "duration": say_duration(contexts_of(grant.scopes)),
            "patients": await _patients(Reader(visit.web.door, someone.caller()), visit, grant),
        }
        rows.append(row)
    return visit.render("pages/apps.html", rows=rows)


async def end(visit: Visit) -> Response:
    """POST /apps, with `client`: nothing that this app holds is good any more."""
    assert visit.web.apps is not None
    someone = await visit.web.apps.who(visit.request)
    if someone is None:
        return to_sign_in(visit)
    client = (await fields(visit.request)).get("client", "")
    grants = visit.web.apps.authorization.grants
    if await grants.end(someone.tenant, someone.id, client[:64]):
        await visit.web.door.note(someone.caller(), Note("oauth-end", f"client/{client[:64]}"))
    return redirect("/apps")


def _given(grant: Grant) -> Offer:
    scopes = {one: str(one) for one in resources_of(grant.scopes)}
    return Offer(scopes, contexts_of(grant.scopes))


async def _patients(reader: Reader, visit: Visit, grant: Grant) -> list[Person]:
    """The patients whose records it is about, as far as the person may see them now."""
    if not grant.patients:
        return []
    ids = ",".join(grant.patients[:_MOST])
    page = await reader.glance("Patient", [("_id", ids), ("_count", str(_MOST))])
    return [person(tree, visit.today) for tree in page.trees]
