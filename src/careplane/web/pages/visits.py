"""A video visit: agree to it, try the devices, wait, meet, and write its summary.

The rooms themselves are of `telehealth.visits`; scripts fetch a ticket when somebody joins. Without
scripts there is no video, and the page says whom to call.
"""

from __future__ import annotations

from typing import Any

from starlette.responses import JSONResponse, Response

from careplane.access.caller import Caller
from careplane.kernel.errors import Conflict, Forbidden, Incorrect, TooLarge
from careplane.telehealth.visits.appointment import Booked, booked
from careplane.telehealth.visits.charges import Proposal
from careplane.telehealth.visits.operations import GUEST, address
from careplane.telehealth.visits.visits import Standing, Visits
from careplane.web.forms import fields
from careplane.web.i18n import mark
from careplane.web.pages import writing
from careplane.web.pages.notes import saving
from careplane.web.security import HEADERS, PRIVATE, policy_with
from careplane.web.visit import Visit, redirect
from careplane.words.catalogues import gettext as _
from careplane.words.numbers import counted

_ALLOWED = (
    "camera=(self), display-capture=(self), geolocation=(), microphone=(self), payment=(), usb=()"
)
_WAYS = {
    "document": mark("Photo identification was shown"),
    "asked": mark("Date of birth and address were asked for"),
    "known": mark("I know the patient in person"),
}
"""`telehealth.visits.identity.WAYS`, as the page says them."""
_LARGEST = 5_000_000
_LARGEST_PIECE = 10_000_000


async def show(visit: Visit) -> Response:
    """GET /visits/{id}."""
    visits, caller = _here(visit)
    id = visit.path("id")
    try:
        standing = await visits.standing(caller, id)
    except Conflict as error:
        if await visits.role(caller, id) != "host":
            raise
        tree = (await visit.reader.read("Appointment", id)).tree
        return visit.render(
            "visits/over.html",
            id=id,
            text=_(error.text),
            saved=visit.query("saved"),
            proposals=await _proposals(visits, caller, id),
            beside=await writing.during(visit, booked(tree).patient.partition("/")[2], id),
        )
    page = visit.render(
        "visits/visit.html",
        id=id,
        seat=standing.role,
        agreed=standing.consented or standing.role != "patient",
        start=standing.visit.tree["start"],
        what=standing.visit.text,
        patient=standing.visit.patient.partition("/")[2],
        phone=visits.phone,
        media=_media(visits, standing.visit),
        saved=visit.query("saved"),
        records=visits.records,
        identified=standing.identified,
        checks=_WAYS,
        beside=await _beside(visit, standing),
    )
    return _with_devices(page, visits)


async def _beside(visit: Visit, standing: Standing) -> dict[str, Any] | None:
    """The note of who gives the visit."""
    if standing.role != "host":
        return None
    patient = standing.visit.patient.partition("/")[2]
    return await writing.during(visit, patient, standing.visit.id)


async def note(visit: Visit) -> Response:
    """POST: begin the note of a visit; by the script a part of the page comes back."""
    visits, caller = _here(visit)
    id = visit.path("id")
    if await visits.role(caller, id) != "host":
        raise Forbidden("Who gives the visit writes its note.")
    sent = await fields(visit.request)
    tree = (await visit.reader.read("Appointment", id)).tree
    patient = booked(tree).patient.partition("/")[2]
    encounter = await writing.encounter_of(visit, id)
    if not encounter and sent.get("part") == "form":
        beside = await writing.during(visit, patient, id)
        return visit.render("notes/begin.html", 409, id=id, beside=beside)
    if not encounter:
        raise Conflict("The note is begun when the patient has come: it belongs to the encounter.")
    return await saving.begun(visit, patient, sent, encounter)


async def guest(visit: Visit) -> Response:
    """GET /visit: for who has a link; the token stands behind `#` and is read by the script."""
    visits = visit.web.visits
    assert visits is not None
    page = visit.render("visits/guest.html", phone=visits.phone, media=_media(visits))
    return _with_devices(page, visits)


async def consent(visit: Visit) -> Response:
    """POST: the patient agrees to be seen by video."""
    visits, caller = _here(visit)
    await visits.consent(caller, visit.path("id"))
    return redirect(f"/visits/{visit.path('id')}")


async def ticket(visit: Visit) -> Response:
    """POST, by the script: a ticket and the address of the socket."""
    visits, caller = _here(visit)
    id = visit.path("id")
    made = visits.ticket(caller, await visits.standing(caller, id))
    return _json({"ticket": made, "url": address(_base(visit), id)})


async def invite(visit: Visit) -> Response:
    """POST, by the script: a link for one guest."""
    visits, caller = _here(visit)
    sent = await fields(visit.request)
    token = await visits.invite(caller, visit.path("id"), sent.get("name", ""))
    return _json({"url": f"{_base(visit).removesuffix('/fhir')}{GUEST}#{token}"})


async def summarize(visit: Visit) -> Response:
    """POST: the after-visit summary."""
    visits, caller = _here(visit)
    sent = await fields(visit.request)
    await visits.summarize(caller, visit.path("id"), sent.get("text", ""))
    return redirect(f"/visits/{visit.path('id')}?saved=1")


async def identify(visit: Visit) -> Response:
    """POST, by the script: who gives the visit has checked who the patient is."""
    visits, caller = _here(visit)
    how = (await fields(visit.request)).get("how", "")
    await visits.identify(caller, visit.path("id"), how)
    return _json({"how": how})


async def charge(visit: Visit) -> Response:
    """POST: charge what was proposed."""
    visits, caller = _here(visit)
    sent = await fields(visit.request)
    await visits.charge(caller, visit.path("id"), sent.get("rule", ""))
    return redirect(f"/visits/{visit.path('id')}")


async def recording(visit: Visit) -> Response:
    """POST, by the script: a piece of the recording, its number in the query."""
    visits, caller = _here(visit)
    number = visit.query("number")
    if not (number.isascii() and number.isdigit() and len(number) < 5):
        raise Incorrect("number counts the pieces of a recording, from 1.")
    data = await _body(visit, _LARGEST_PIECE)
    media = await visits.keep_recording(caller, visit.path("id"), int(number), data)
    return _json({"media": media})


async def share(visit: Visit) -> Response:
    """POST, by the script: a file as it is, its name in the query."""
    visits, caller = _here(visit)
    body = await _body(visit, _LARGEST)
    kind = visit.request.headers.get("content-type", "").partition(";")[0].strip().lower()
    title = visit.query("title")
    document = await visits.share(caller, visit.path("id"), title, kind, body)
    return _json({"document": document})


async def _proposals(visits: Visits, caller: Caller, id: str) -> list[Proposal]:
    """What may be charged; nothing where the visit never began, or the caller does no charging."""
    try:
        return await visits.proposals(caller, id)
    except (Conflict, Forbidden):
        return []


async def _body(visit: Visit, most: int) -> bytes:
    body = bytearray()
    async for chunk in visit.request.stream():
        body += chunk
        if len(body) > most:
            raise TooLarge(_("A file has %(count)s bytes at most.", count=counted(most)))
    return bytes(body)


def _here(visit: Visit) -> tuple[Visits, Caller]:
    assert visit.web.visits is not None
    assert visit.caller is not None
    return visit.web.visits, visit.caller


def _base(visit: Visit) -> str:
    scope = visit.request.scope
    return visit.web.addressing.base(scope, dict(scope["headers"]))


def _json(values: dict[str, str]) -> Response:
    return JSONResponse(values, headers=HEADERS | PRIVATE)


def _media(visits: Visits, visit: Booked | None = None) -> dict[str, Any]:
    """How many are expected and can take part, and the server that carries more than a few; with
    `large` it is this visit's from the beginning."""
    return {
        "url": visits.media,
        "large": visit is not None and visits.is_large(visit),
        "people": visit.people if visit else 0,
        "most": visits.most,
    }


def _with_devices(page: Response, visits: Visits) -> Response:
    """Pages of visits may ask for the camera and the microphone, and connect to the media server;
    no others may."""
    page.headers["Permissions-Policy"] = _ALLOWED
    if visits.media:
        page.headers["Content-Security-Policy"] = policy_with(visits.media)
    return page
