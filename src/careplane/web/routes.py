"""The addresses of the pages. `application(web)` is the door of this room."""

from __future__ import annotations

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from careplane.kernel.errors import Busy, NotFound, Unsupported
from careplane.rest.oauth.addresses import AUTHORIZE
from careplane.telehealth.visits.operations import GUEST
from careplane.web import assets
from careplane.web.pages import (
    access,
    allowed,
    anomalies,
    api,
    authorize,
    chart,
    consents,
    emergency,
    installed,
    launch,
    patients,
    preferences,
    records,
    sign_in,
    story,
    today,
    validator,
    visits,
)
from careplane.web.pages.booking import PRIVATE as BOOKING
from careplane.web.pages.calendar import PRIVATE as CALENDAR
from careplane.web.pages.clinic import PRIVATE as CLINIC
from careplane.web.pages.consults import PRIVATE as CONSULTS
from careplane.web.pages.documents import PRIVATE as DOCUMENTS
from careplane.web.pages.exchange import PRIVATE as EXCHANGE
from careplane.web.pages.forms import PRIVATE as FORMS
from careplane.web.pages.lists import PRIVATE as LISTS
from careplane.web.pages.messages import PRIVATE as MESSAGES
from careplane.web.pages.notes import PRIVATE as NOTES
from careplane.web.pages.packages import PRIVATE as PACKAGES
from careplane.web.pages.people import PRIVATE as PEOPLE
from careplane.web.pages.people import PUBLIC as ENTRANCE
from careplane.web.pages.portal import PRIVATE as PORTAL
from careplane.web.pages.sharing import PRIVATE as SHARING
from careplane.web.pages.sharing import PUBLIC as SHARED
from careplane.web.pages.tasks import PRIVATE as TASKS
from careplane.web.pages.terminology import PRIVATE as TERMINOLOGY
from careplane.web.visit import (
    Handler,
    Visit,
    Web,
    arrived,
    open_to_all,
    refusal,
    signed_in,
)
from careplane.words.catalogues import mark

PUBLIC: tuple[tuple[str, str, Handler], ...] = (
    ("GET", "/sign-in", sign_in.show),
    ("POST", "/sign-in", sign_in.enter),
    ("POST", "/sign-out", sign_in.leave),
    ("GET", "/docs", api.show),
    ("GET", "/story", story.show),
    ("GET", "/preferences", preferences.show),
    ("POST", "/preferences", preferences.choose),
    ("GET", "/manifest.webmanifest", installed.manifest),
    ("GET", "/worker.js", installed.worker),
    ("GET", installed.PAGE, installed.offline),
    *ENTRANCE,
)

APPS: tuple[tuple[str, str, Handler], ...] = (
    ("GET", "/oauth/continue", authorize.consider),
    ("POST", "/oauth/continue", authorize.decide),
    ("GET", "/apps", allowed.show),
    ("POST", "/apps", allowed.end),
    ("POST", "/patients/{id}/apps/{client}", launch.launch),
)
"""Where apps may act for people."""

VISITS: tuple[tuple[str, str, Handler], ...] = (
    ("GET", "/visits/{id}", visits.show),
    ("POST", "/visits/{id}/consent", visits.consent),
    ("POST", "/visits/{id}/ticket", visits.ticket),
    ("POST", "/visits/{id}/invite", visits.invite),
    ("POST", "/visits/{id}/note", visits.note),
    ("POST", "/visits/{id}/summary", visits.summarize),
    ("POST", "/visits/{id}/files", visits.share),
    ("POST", "/visits/{id}/identity", visits.identify),
    ("POST", "/visits/{id}/charges", visits.charge),
    ("POST", "/visits/{id}/recording", visits.recording),
)
"""Where there are visits by video."""

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
    ("/patients/{id}/disclosures", access.disclosures),
    ("/patients/{id}/disclosures/csv", access.disclosures_csv),
    ("/audit", anomalies.show),
    ("/emergency", emergency.show),
    ("/records", records.types),
    ("/records/{type}", records.search),
    ("/records/{type}/{id}", records.details),
    ("/records/{type}/{id}/json", records.source),
    ("/records/{type}/{id}/raw", records.raw),
    ("/records/{type}/{id}/history", records.history),
    ("/records/{type}/{id}/history/{version}", records.version),
    ("/validator", validator.show),
    *TERMINOLOGY,
    *PACKAGES,
)

PLANS = (*CALENDAR, *BOOKING)
"""Visits: the desk's pages, and a patient's own."""

CHANGES: tuple[tuple[str, Handler], ...] = (
    ("/audit", anomalies.review),
    ("/patients/{id}/consent", consents.record),
    ("/patients/{id}/consent/{consent}/withdraw", consents.withdraw),
    ("/emergency", emergency.enter),
    ("/emergency/{case}", emergency.review),
    ("/validator", validator.check),
)
"""Forms of those who are signed in."""

FAMILIES: tuple[tuple[str, str, Handler], ...] = (
    *PEOPLE,
    *DOCUMENTS,
    *CALENDAR,
    *BOOKING,
    *NOTES,
    *PORTAL,
    *FORMS,
)
"""Pages of folders of their own."""


def routes(web: Web) -> list[BaseRoute]:
    """Everything under `/`. It ends in a page for whatever has no address, so other rooms' routes
    (`/fhir`) stand before these."""
    return [
        Route("/static/{path:path}", open_to_all(web, _static), methods=["GET"]),
        *(Route(path, open_to_all(web, page), methods=[verb]) for verb, path, page in PUBLIC),
        *_apps(web),
        *_visits(web),
        *_sharing(web),
        *_talk(web),
        *_clinic(web),
        *(Route(path, signed_in(web, page), methods=["GET"]) for path, page in PRIVATE),
        *(Route(path, signed_in(web, page), methods=["POST"]) for path, page in CHANGES),
        *(Route(path, signed_in(web, page), methods=[verb]) for verb, path, page in FAMILIES),
        Route("/{path:path}", open_to_all(web, _nowhere), methods=["GET"]),
    ]


def _apps(web: Web) -> list[BaseRoute]:
    if web.apps is None:
        return []
    ask = open_to_all(web, authorize.ask, anywhere=True)
    return [
        Route(AUTHORIZE, ask, methods=["GET", "POST"]),
        *(Route(path, open_to_all(web, page), methods=[verb]) for verb, path, page in APPS),
    ]


def _visits(web: Web) -> list[BaseRoute]:
    if web.visits is None:
        return []
    return [
        Route(GUEST, open_to_all(web, visits.guest), methods=["GET"]),
        *(Route(path, signed_in(web, page), methods=[verb]) for verb, path, page in VISITS),
    ]


def _sharing(web: Web) -> list[BaseRoute]:
    if web.sharing is None:
        return []
    return [
        *(Route(path, open_to_all(web, page), methods=[verb]) for verb, path, page in SHARED),
        *(Route(path, signed_in(web, page), methods=[verb]) for verb, path, page in SHARING),
    ]


def _talk(web: Web) -> list[BaseRoute]:
    if web.talk is None:
        return []
    pages = (*MESSAGES, *TASKS, *CONSULTS)
    return [Route(path, signed_in(web, page), methods=[verb]) for verb, path, page in pages]


def _clinic(web: Web) -> list[BaseRoute]:
    """Before the chart, whose pages of trends would take `vitals/add` for a code."""
    if web.clinic is None:
        return []
    pages = (*CLINIC, *LISTS, *EXCHANGE)
    return [Route(path, signed_in(web, page), methods=[verb]) for verb, path, page in pages]


def application(web: Web) -> Starlette:
    """The pages as an application of their own, errors of the routing included."""

    async def explain(request: Request, problem: Exception) -> Response:
        assert isinstance(problem, HTTPException)
        error = Unsupported if problem.status_code == 405 else NotFound
        try:
            visit = await arrived(web, request)
        except Busy:
            visit = Visit(web, request, None)
        answer = refusal(visit, error(mark("This address does not do that.")), problem.status_code)
        answer.headers.update(problem.headers or {})
        return answer

    return Starlette(routes=routes(web), exception_handlers={HTTPException: explain})


async def _static(visit: Visit) -> Response:
    return await assets.serve(visit.request)


async def _nowhere(visit: Visit) -> Response:
    raise NotFound("There is no such page.")
