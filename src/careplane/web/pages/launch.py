"""Open an app from a chart, with the patient in context (SMART App Launch 2.2, EHR launch)."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode, urlsplit, urlunsplit

from starlette.responses import Response

from careplane.kernel.errors import NotFound
from careplane.records.commands import Note
from careplane.web.reader import Reader
from careplane.web.visit import Visit, to_sign_in


async def apps(visit: Visit, patient: str) -> dict[str, Any]:
    """The apps that can be opened from this chart: the tab of the chart page."""
    if visit.web.apps is None or visit.caller is None:
        return {"apps": []}
    tenant = int(visit.caller.tenant)
    return {"apps": await visit.web.apps.authorization.launched(tenant)}


async def launch(visit: Visit) -> Response:
    """POST /patients/{id}/apps/{client}: the app gets a `launch` parameter that only this person
    can use, once."""
    assert visit.web.apps is not None
    authorization = visit.web.apps.authorization
    person = await visit.web.apps.who(visit.request)
    if person is None:
        return to_sign_in(visit)
    offered = await authorization.launched(int(person.tenant))
    client = next((one for one in offered if one.id == visit.path("client")), None)
    if client is None:
        raise NotFound("There is no such app.")
    place = visit.web.apps.place(visit.request)
    if not place.issuer:
        raise NotFound("Apps cannot be opened: this server has not been told its own address.")
    reader = Reader(visit.web.door, person.caller())
    patient = (await reader.read("Patient", visit.path("id"))).id
    encounter = await _encounter(reader, patient)
    made = await authorization.launches.make(client, person, patient, encounter)
    await visit.web.door.note(person.caller(), Note("oauth-launch", f"client/{client.id}"))
    url = _with(client.launch_url, {"iss": place.fhir, "launch": made})
    return visit.render("authorize/onward.html", url=url, caller=None, role=None)


async def _encounter(reader: Reader, patient: str) -> str:
    """The visit that is under way, if the person may see one."""
    page = await reader.glance(
        "Encounter",
        [("patient", patient), ("status", "in-progress"), ("_sort", "-date"), ("_count", "1")],
    )
    return page.records[0].id if page.records else ""


def _with(url: str, parameters: dict[str, str]) -> str:
    parts = urlsplit(url)
    said = urlencode(parameters)
    return urlunsplit(parts._replace(query=f"{parts.query}&{said}" if parts.query else said))
