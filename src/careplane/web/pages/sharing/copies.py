"""Copies of a record to take along."""

from __future__ import annotations

import asyncio

from starlette.responses import Response

from careplane.fhir.codec import json
from careplane.kernel.errors import NotFound
from careplane.rest.addressing import ROOT
from careplane.sharing.cards.card import picture
from careplane.sharing.cards.cards import KINDS, Card
from careplane.sharing.ips.document import lines_of
from careplane.sharing.links.files import CARD
from careplane.sharing.paper.paper import pdf
from careplane.web.chart import paper, shared
from careplane.web.chart.banner import person
from careplane.web.security import HEADERS, PRIVATE
from careplane.web.visit import Visit


async def summary(visit: Visit) -> Response:
    """GET: the International Patient Summary, as FHIR JSON."""
    assert visit.web.sharing is not None
    assert visit.caller is not None
    base = _base(visit)
    made = await visit.web.sharing.summaries.of(
        visit.caller, visit.path("id"), base, language=visit.language
    )
    return download(json.dump(made), "application/fhir+json", "patient-summary.json")


async def summary_pdf(visit: Visit) -> Response:
    """GET: the same on paper, in the language of the page."""
    assert visit.web.sharing is not None
    assert visit.caller is not None
    desk = visit.web.sharing
    gathered = await desk.summaries.gathered(visit.caller, visit.path("id"), _base(visit))
    parts = lines_of(gathered, desk.summaries.new_id)
    made = paper.summary(gathered.patient, parts, visit.language, visit.today, _size(visit))
    return download(await pdf(made), "application/pdf", "patient-summary.pdf")


def _size(visit: Visit) -> str:
    """Of paper where the reader lives, as far as the browser tells."""
    first = visit.request.headers.get("accept-language", "").partition(",")[0].lower()
    return "us-letter" if first.endswith(("-us", "-ca", "-mx", "-ph")) else "a4"


async def card(visit: Visit) -> Response:
    """GET: health cards of a kind, each as a QR code."""
    record, cards = await asyncio.gather(
        visit.reader.read("Patient", visit.path("id")), _issued(visit)
    )
    kind = visit.path("kind")
    return visit.render(
        "sharing/card.html",
        person=person(record.tree, visit.today),
        kind=kind,
        title=shared.CARDS[kind],
        cards=[(picture(one.jws) if one.fits else "", len(one.holds)) for one in cards],
    )


async def card_file(visit: Visit) -> Response:
    """GET: the same as a file for wallets."""
    cards = await _issued(visit)
    body = json.dump({"verifiableCredential": [one.jws for one in cards]})
    return download(body, CARD, f"{visit.path('kind')}.smart-health-card")


async def _issued(visit: Visit) -> list[Card]:
    assert visit.web.sharing is not None
    assert visit.caller is not None
    kind, issuer = visit.path("kind"), _base(visit).removesuffix(ROOT)
    if kind not in KINDS:
        raise NotFound("There is no such health card.")
    return await visit.web.sharing.cards.issue(visit.caller, visit.path("id"), kind, issuer)


def _base(visit: Visit) -> str:
    scope = visit.request.scope
    return visit.web.addressing.base(scope, dict(scope["headers"]))


def download(body: bytes, media: str, name: str) -> Response:
    """A file to keep; its name says nothing about whom."""
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Response(body, media_type=media, headers=HEADERS | PRIVATE | headers)
