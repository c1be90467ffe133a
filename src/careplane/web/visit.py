"""One request of one person to one page, and the frame that all handlers share."""

from __future__ import annotations

import hmac
import logging
from base64 import b64encode
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from starlette.datastructures import URL
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from careplane.access.caller import Caller
from careplane.access.people.passkeys import Site, site
from careplane.access.people.people import People
from careplane.access.people.session import Session
from careplane.access.people.user import NARROW_PROXY
from careplane.access.scopes import Permission
from careplane.access.smart.registrar import Registrar
from careplane.access.smart.tokens import Tokens
from careplane.care.clinic import Clinic
from careplane.care.documents.documents import Documents
from careplane.care.forms.forms import Forms
from careplane.care.notes.notes import Notes
from careplane.kernel.clock import Clock, system_clock
from careplane.kernel.errors import CareplaneError, Fault, Unsupported
from careplane.kernel.observe import describe
from careplane.records.audits.anomalies.looking import Looking
from careplane.records.audits.anomalies.review import Reviews
from careplane.records.break_glass import BreakGlass
from careplane.records.door import Door
from careplane.rest.addressing import Addressing, Place, place_of
from careplane.rest.outcome import status_of
from careplane.sharing.desk import SharingDesk
from careplane.storage.ports.records import Tenant
from careplane.telehealth.scheduling.calendars.feeds import Feeds
from careplane.telehealth.scheduling.desk import Desk
from careplane.telehealth.visits.visits import Visits
from careplane.web import i18n, menu, render
from careplane.web.apps import Apps
from careplane.web.errors import explain
from careplane.web.portal import Portal
from careplane.web.reader import Reader
from careplane.web.security import HEADERS, PRIVATE, require_same_origin
from careplane.web.session import DemoRole, Sessions
from careplane.web.talk import Talk
from careplane.web.ways import Way, answers, ways
from careplane.words.audience import Audience, speaking
from careplane.words.catalogues import gettext, mark
from careplane.words.languages import SOURCE

if TYPE_CHECKING:
    from careplane.packages.packages import Packages

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Audits:
    """What the auditors' page of a tenant works with; `sees_all` tells whether a caller may do so
    with every AuditEvent."""

    looking: Callable[[Tenant], Looking]
    reviews: Callable[[Tenant], Reviews]
    sees_all: Callable[[Caller, Permission], bool]


@dataclass(frozen=True)
class Web:
    """What the pages need; `app.build` makes it. `roles` are for the demo's role picker, empty
    elsewhere; `secure` where browsers come over HTTPS; `glass` where emergency access is offered,
    `apps` where apps may act for people. `people` are those who sign in themselves, `clients` the
    programs that administrators look after, `visits` those by video, `packages` the definitions
    that are the same for all tenants, `zone` the institution's time zone, `documents` and `notes`
    those of patients, `sharing` what patients give to others, `talk` messages between people;
    `desk` books visits, `feeds` are calendars for programs, `clinic` has
    prescriptions, orders and results, `forms` fills Questionnaires."""

    door: Door
    tokens: Tokens
    roles: tuple[DemoRole, ...] = ()
    clock: Clock = system_clock
    secure: bool = False
    audits: Audits | None = None
    glass: BreakGlass | None = None
    apps: Apps | None = None
    people: People | None = None
    clients: Registrar | None = None
    visits: Visits | None = None
    addressing: Addressing = field(default_factory=Addressing)
    packages: Callable[[], Packages] | None = None
    zone: str = "UTC"
    documents: Documents | None = None
    sharing: SharingDesk | None = None
    talk: Talk | None = None
    desk: Desk | None = None
    feeds: Feeds | None = None
    notes: Notes | None = None
    portal: Portal | None = None
    clinic: Clinic | None = None
    drafts: bytes = b""
    forms: Forms | None = None

    @cached_property
    def sessions(self) -> Sessions:
        return Sessions(self.tokens, self.secure)


@dataclass(frozen=True)
class Visit:
    """A request, who makes it, and how to answer."""

    web: Web
    request: Request
    caller: Caller | None
    session: Session | None = None

    @property
    def reader(self) -> Reader:
        """Reads as the caller; only behind `signed_in`."""
        assert self.caller is not None
        return Reader(self.web.door, self.caller)

    @property
    def place(self) -> Place:
        """Whose address was asked."""
        return place_of(self.request.scope)

    @property
    def site(self) -> Site | None:
        """Where passkeys are good; None where none are."""
        host = self.request.headers.get("host", "")
        return site(self.web.addressing.origin(self.place), host)

    @property
    def packages(self) -> Packages:
        """Definitions that are the same for all tenants. Raises Unsupported where there are
        none."""
        if self.web.packages is None:
            raise Unsupported("This server has no packages.")
        return self.web.packages()

    @cached_property
    def audience(self) -> Audience:
        """In which language and at which clock to answer."""
        return i18n.audience_of(self.request, self.session, self.web.zone)

    @property
    def language(self) -> str:
        return self.audience.language

    @cached_property
    def today(self) -> date:
        """The day that it is where the person is."""
        clock = self.audience.clock
        return datetime.fromtimestamp(self.web.clock() / 1_000_000, clock).date()

    def query(self, name: str) -> str:
        return self.request.query_params.get(name, "").strip()

    def path(self, name: str) -> str:
        return str(self.request.path_params[name])

    def offers(self, type: str) -> bool:
        """Whether to show the way to records of a type. The door decides; this only spares people
        a way that leads nowhere."""
        scopes = self.caller.scopes if self.caller else frozenset()
        return any(Permission.SEARCH in s.permissions and s.type in (None, type) for s in scopes)

    def may(self, letter: str, type: str) -> bool:
        """Whether to show a form that does this (a letter of SMART) with records of a type. The
        door decides when it is sent."""
        return self.caller is not None and self.web.door.may(self.caller, letter, type)

    def leads(self, path: str, method: str = "GET") -> bool:
        """Whether a page answers there: what there is depends on what is set up."""
        if (path == "/apps" and not self.web.apps) or (path == "/security" and not self.session):
            return False
        return answers(self.request.app.routes, path, method)

    @property
    def ways(self) -> tuple[Way, ...]:
        """The menu of who acts as a patient, or for one; others have another one."""
        if self.caller is None or self.caller.patient is None:
            return ()
        narrow = NARROW_PROXY in self.caller.roles
        proxy = bool(self.acts_for)
        return ways(self.leads, self.caller.patient, self.offers, proxy=proxy, narrow=narrow)

    @property
    def acts_for(self) -> str:
        """The name of the patient in whose name a proxy acts; empty for others."""
        caller = self.caller
        if caller is None or caller.patient is None or caller.id == f"Patient/{caller.patient}":
            return ""
        role = next((r for r in self.web.roles if r.caller == caller), None)
        patients = self.session.patients if self.session else role.patients if role else ()
        named = (one.name for one in patients if one.patient == caller.patient)
        return next(named, caller.patient)

    @property
    def clinic(self) -> Clinic:
        """Prescriptions, orders and results. Raises Unsupported where there are none."""
        if self.web.clinic is None:
            raise Unsupported("This server has no orders.")
        return self.web.clinic

    @property
    def _drafts(self) -> str:
        """Under what the browser keeps drafts of forms of this person; empty where it keeps
        none."""
        if not self.web.drafts or self.caller is None:
            return ""
        who = f"{self.caller.tenant} {self.caller.id} {self.caller.patient or ''}"
        return b64encode(hmac.digest(self.web.drafts, who.encode(), "sha256")).decode()

    @property
    def _features(self) -> frozenset[str]:
        """What of the menu is for the caller, by `menu.Entry.needs`."""
        web, roles = self.web, self.session.roles if self.session else frozenset[str]()
        talks = web.talk is not None and self.offers("Communication")
        own = self.caller.roles if self.caller else frozenset[str]()
        has = {
            "apps": web.apps is not None,
            "talk": talks,
            "tasks": talks and self.offers("Task"),
            "desk": web.desk is not None and self.offers("Appointment"),
            "clinic": web.clinic is not None and self.offers("Task"),
            "questionnaires": web.forms is not None and self.offers("Questionnaire"),
            "audit": "auditor" in own,
            "emergency": self._emergency,
            "accounts": "administrator" in roles,
        }
        return frozenset(name for name, here in has.items() if here)

    @property
    def _emergency(self) -> bool:
        glass, caller = self.web.glass, self.caller
        return bool(glass and caller and (glass.may(caller) or glass.reviews(caller)))

    @property
    def _this_page(self) -> str:
        """Where to come back to: the page, or the one that its form stood on."""
        url = self.request.url
        if self.request.method != "GET":
            url = URL(self.request.headers.get("referer", "/"))
        return local(url.path + (f"?{url.query}" if url.query else ""))

    def render(self, template: str, status: int = 200, **values: Any) -> Response:
        """A page, with what the layout needs."""
        frame = {
            "caller": self.caller,
            "session": self.session,
            "role": next((r for r in self.web.roles if r.caller == self.caller), None),
            "demo": bool(self.web.roles),
            "with_visits": self.web.visits is not None,
            "with_clinic": self.web.clinic is not None and self.offers("Task"),
            "menu": menu.groups(self._features, self.request.url.path) if self.caller else (),
            "here": self.request.url.path,
            "this_page": self._this_page,
            "today": self.today,
            "zone": self.audience.zone,
            "ways": self.ways,
            "acts_for": self.acts_for,
            "drafts": self._drafts,
        }
        return render.page(template, frame | values, self.audience, status)


Handler = Callable[[Visit], Awaitable[Response]]
Endpoint = Callable[[Request], Awaitable[Response]]


def open_to_all(web: Web, handler: Handler, *, anywhere: bool = False) -> Endpoint:
    """A page that needs no session: errors in words, forms only from our own pages unless they may
    come from `anywhere`."""

    async def endpoint(request: Request) -> Response:
        visit = Visit(web, request, None)
        try:
            visit = await arrived(web, request)
            if request.method == "POST" and not anywhere:
                require_same_origin(request)
            with speaking(visit.audience):
                return await handler(visit)
        except Exception as error:
            return refusal(visit, _known(error))

    return endpoint


async def arrived(web: Web, request: Request) -> Visit:
    """A request and who makes it: a person with a session, or whoever has a token. A person's
    emergency lasts no longer than the session and the roles that it was opened with. Raises Busy
    where it cannot be told."""
    session = await web.people.who.who(request.cookies) if web.people else None
    held = web.sessions.caller(request)
    if session is None:
        return Visit(web, request, held)
    caller = session.caller
    if held and held.emergency and _is_same(held, caller):
        caller = held
    return Visit(web, request, replace(caller, address=address(web, request)), session)


def _is_same(one: Caller, other: Caller) -> bool:
    return (one.tenant, one.id, one.roles) == (other.tenant, other.id, other.roles)


def address(web: Web, request: Request) -> str:
    """Where a request came from."""
    return web.addressing.client(request.scope, dict(request.scope["headers"]))


def _known(error: Exception) -> CareplaneError:
    """The error as a person may read it; what is our own mistake goes to the log besides."""
    if isinstance(error, CareplaneError) and not isinstance(error, Fault):
        return error
    _log.error("A page failed: %s", describe(error))
    return (
        error
        if isinstance(error, Fault)
        else Fault(mark("The operator finds the reason in the log."))
    )


def signed_in(web: Web, handler: Handler) -> Endpoint:
    """A page for somebody who is known; others are sent to sign in and come back."""

    async def guarded(visit: Visit) -> Response:
        return await handler(visit) if visit.caller else to_sign_in(visit)

    return open_to_all(web, guarded)


def refusal(visit: Visit, error: CareplaneError, status: int = 0) -> Response:
    """The error as a page that says what to do."""
    words = explain(error)
    status = status or status_of(error)
    with speaking(visit.audience):
        text = gettext(error.text)
    foreign = text == error.text and visit.language != SOURCE
    told = {"words": words, "number": status, "text": text, "foreign": foreign}
    return visit.render("pages/error.html", status, **told)


def to_sign_in(visit: Visit) -> Response:
    """To the sign-in page, remembering where the person wanted to go."""
    url = visit.request.url
    wanted = url.path + (f"?{url.query}" if url.query else "")
    return redirect(f"/sign-in?next={quote(wanted)}" if wanted != "/" else "/sign-in")


def redirect(path: str) -> Response:
    """See other (RFC 9110, 15.4.4): the next request is a GET."""
    return RedirectResponse(path, 303, headers=HEADERS | PRIVATE)


def local(path: str) -> str:
    """A path of this site, or the home page: no form may lead elsewhere."""
    plain = path.startswith("/") and not path.startswith(("//", "/\\")) and path.isprintable()
    return path if plain and "\\" not in path else "/"
