"""Health links: make one, show it as a QR code with who opened it, end it."""

from __future__ import annotations

import asyncio

from starlette.responses import Response

from careplane.access.caller import Caller
from careplane.kernel.errors import CareplaneError, Incorrect, NotFound, TooMany
from careplane.rest.addressing import ROOT
from careplane.sharing.ips.sections import KEYS
from careplane.sharing.links import link as links
from careplane.sharing.links.application import MANIFEST
from careplane.sharing.links.link import Link
from careplane.sharing.links.shares import Shares, Wish
from careplane.web.chart import shared
from careplane.web.chart.banner import person
from careplane.web.forms import fields
from careplane.web.pages import chart, share
from careplane.web.pages.sharing.viewer import PATH
from careplane.web.visit import Visit, redirect


async def mine(visit: Visit) -> Response:
    """GET /share: to the page of one's own record."""
    patient = visit.caller.patient if visit.caller else None
    return redirect(f"/patients/{patient}/share" if patient else "/patients")


async def make(visit: Visit) -> Response:
    """POST: another link; then its QR code."""
    shares, caller = _here(visit)
    patient = visit.path("id")
    sent = await fields(visit.request)
    try:
        made = await shares.make(caller, patient, _wish(shares, sent))
    except (Incorrect, TooMany) as error:
        return await _again(visit, sent, error)
    return redirect(f"/patients/{patient}/share/links/{made.id}")


async def show(visit: Visit) -> Response:
    """GET: one link."""
    shares, caller = _here(visit)
    patient = visit.path("id")
    record, all = await asyncio.gather(
        visit.reader.read("Patient", patient), shares.of(caller, patient)
    )
    link = next((one for one in all if one.id == visit.path("link")), None)
    if link is None:
        raise NotFound("There is no such health link.")
    row = shared.row(link, visit.web.clock())
    address = _address(visit, link) if row.alive else ""
    return visit.render(
        "sharing/link.html",
        tab="share",
        person=person(record.tree, visit.today),
        link=row,
        address=address,
        picture=picture(address) if address else "",
    )


async def end(visit: Visit) -> Response:
    """POST: off for good."""
    shares, caller = _here(visit)
    patient = visit.path("id")
    await shares.revoke(caller, patient, visit.path("link"))
    return redirect(f"/patients/{patient}/share")


def picture(text: str) -> str:
    """A QR code as an address of data, black on white whatever the colours of the page."""
    import segno  # few pages have one

    return str(segno.make(text, error="l").svg_data_uri(scale=4, border=4, light="#ffffff"))


def _wish(shares: Shares, sent: dict[str, str]) -> Wish:
    """Raises Incorrect, with the field that is to blame as its place."""
    contents = tuple(key for key in shares.contents if sent.get(f"content-{key}"))
    sections = tuple(sorted(key for key in KEYS if sent.get(f"section-{key}")))
    until = sent.get("until", "")
    if until not in shared.LASTING:
        raise links.unfit("seconds", "Choose one of the list for how long.")
    protect = sent.get("protect", "made")
    own = sent.get("passcode", "") if protect == "own" else ""
    if protect == "own" and not own.strip():
        raise links.unfit("passcode", "Type a passcode, or choose another way.")
    return Wish(
        contents,
        int(until),
        sent.get("label", ""),
        links.made_passcode() if protect == "made" else own,
        protect == "made",
        None if len(sections) == len(KEYS) else sections,
        bool(sent.get("direct")),
        sent.get("language", ""),
    )


async def _again(visit: Visit, sent: dict[str, str], error: CareplaneError) -> Response:
    async def made(visit: Visit, patient: str) -> dict[str, object]:
        return await share.filled(visit, patient, sent, error.text, error.issues[0].where)

    answer = await chart.tab("share", made)(visit)
    answer.status_code = 400
    return answer


def _address(visit: Visit, link: Link) -> str:
    """The link as readers of QR codes open it: our own viewer, and the link behind `#`."""
    scope = visit.request.scope
    base = visit.web.addressing.base(scope, dict(scope["headers"])).removesuffix(ROOT)
    return f"{base}{PATH}#{links.address_of(link, base + MANIFEST + link.secret)}"


def _here(visit: Visit) -> tuple[Shares, Caller]:
    assert visit.web.sharing is not None
    assert visit.caller is not None
    return visit.web.sharing.shares, visit.caller
