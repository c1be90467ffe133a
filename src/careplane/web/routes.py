"""The addresses of the pages. `routes(web)` is the door of this room."""

from __future__ import annotations

from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from careplane.kernel.errors import NotFound
from careplane.web import assets
from careplane.web.pages import chart, patients, records, sign_in, today
from careplane.web.visit import Handler, Visit, Web, open_to_all, signed_in

PUBLIC: tuple[tuple[str, str, Handler], ...] = (
    ("GET", "/sign-in", sign_in.show),
    ("POST", "/sign-in", sign_in.enter),
    ("POST", "/sign-out", sign_in.leave),
)

PRIVATE: tuple[tuple[str, Handler], ...] = (
    ("/", today.show),
    ("/patients", patients.show),
    ("/patients/{id}", chart.tab("summary", chart.summary)),
    *(
        (f"/patients/{{id}}/{key}", chart.tab(key, make))
        for key, (_, make, _) in chart.TABS.items()
        if key != "summary"
    ),
    ("/patients/{id}/results/{code}", chart.tab("results", chart.trend, "trend")),
    ("/patients/{id}/vitals/{code}", chart.tab("vitals", chart.trend, "trend")),
    ("/records", records.types),
    ("/records/{type}", records.search),
    ("/records/{type}/{id}", records.details),
    ("/records/{type}/{id}/json", records.source),
    ("/records/{type}/{id}/raw", records.raw),
    ("/records/{type}/{id}/history", records.history),
    ("/records/{type}/{id}/history/{version}", records.version),
)


def routes(web: Web) -> list[BaseRoute]:
    """Everything under `/`. It ends in a page for whatever has no address, so other rooms' routes
    (`/fhir`) stand before these."""
    return [
        Route("/static/{path:path}", open_to_all(web, _static), methods=["GET"]),
        *(Route(path, open_to_all(web, page), methods=[verb]) for verb, path, page in PUBLIC),
        *(Route(path, signed_in(web, page), methods=["GET"]) for path, page in PRIVATE),
        Route("/{path:path}", open_to_all(web, _nowhere), methods=["GET"]),
    ]


async def _static(visit: Visit) -> Response:
    return await assets.serve(visit.request)


async def _nowhere(visit: Visit) -> Response:
    raise NotFound("There is no such page.")
