"""Sign in: by a passkey, by a password with a code, or at the institution's provider."""

from __future__ import annotations

from urllib.parse import quote

from starlette.responses import JSONResponse, RedirectResponse, Response

from careplane.access.people.entrance import Proven
from careplane.access.people.people import People
from careplane.access.people.provider import CALLBACK, Provider
from careplane.access.people.refusal import NotProven, SlowDown
from careplane.kernel.errors import Unsupported
from careplane.web.forms import fields
from careplane.web.pages.people.guard import people_of, session_of
from careplane.web.pages.people.opening import confirmed, failed, noted, status_of, visitor, welcome
from careplane.web.pages.sign_in import form
from careplane.web.security import HEADERS, PRIVATE
from careplane.web.visit import Visit, local, redirect

_FLOW = "careplane-provider"
_FLOW_SECONDS = 600


async def options(visit: Visit) -> Response:
    """POST /sign-in/passkey/options."""
    return as_json(own(visit).entrance.passkey_options(visitor(visit)))


async def by_passkey(visit: Visit) -> Response:
    """POST /sign-in/passkey, with `credential` and `next`."""
    sent = await fields(visit.request)
    goal = local(sent.get("next", "/"))
    try:
        proven = await own(visit).entrance.by_passkey(sent.get("credential", ""), visitor(visit))
    except NotProven as error:
        return await _again(visit, goal, error)
    return await welcome(visit, redirect(goal), proven)


async def by_password(visit: Visit) -> Response:
    """POST /sign-in/password, with `login`, `password`, `code` and `next`."""
    sent = await fields(visit.request)
    goal = local(sent.get("next", "/"))
    people = own(visit)
    try:
        proven = await people.entrance.by_password(
            visit.place.tenant,
            sent.get("login", "")[:200],
            sent.get("password", ""),
            sent.get("code", "")[:64],
            visitor(visit),
        )
    except (NotProven, SlowDown) as error:
        return await _again(visit, goal, error, counted=True)
    return await welcome(visit, redirect(goal), proven)


async def begin(visit: Visit) -> Response:
    """GET /sign-in/provider/begin?next=...: to the provider; with `confirm`, to prove anew."""
    provider = _provider(visit)
    session = visit.session.key if visit.session and visit.query("confirm") else ""
    address, cookie = await provider.begin(_callback(visit), local(visit.query("next")), session)
    answer = RedirectResponse(address, 303, headers=HEADERS | PRIVATE)
    answer.set_cookie(
        _flow(visit), cookie, max_age=_FLOW_SECONDS, path="/", secure=visit.web.secure,
        httponly=True, samesite="lax",
    )  # fmt: skip
    return answer


async def by_provider(visit: Visit) -> Response:
    """GET /sign-in/provider: back from the provider."""
    provider, people = _provider(visit), people_of(visit)
    try:
        flow = provider.flow(
            visit.request.cookies.get(_flow(visit), ""), dict(visit.request.query_params)
        )
        said = await provider.said(flow, visit.query("code"), _callback(visit))
        issuer = provider.registration.issuer
        proven = await people.external.arrive(visit.place.tenant, issuer, said)
        answer = redirect(local(flow.goal))
        proved = said.auth_time * 1_000_000
        if flow.session:
            await _confirm(visit, answer, flow.session, proven, proved)
        else:
            await welcome(visit, answer, proven, said.roles, proved)
    except NotProven as error:
        answer = await _again(visit, "/", error)
    answer.delete_cookie(_flow(visit), path="/", secure=visit.web.secure, httponly=True)
    return answer


async def _confirm(
    visit: Visit, answer: Response, session: str, proven: Proven, proved: int
) -> None:
    """Only the one who began to confirm does."""
    now = visit.session
    if now is None or now.key != session or now.user != proven.user.id:
        raise NotProven("provider: another session", "You have signed in as somebody else.")
    await confirmed(visit, answer, proven, proved)


async def act_for(visit: Visit) -> Response:
    """POST /act-for, with `related`: a proxy chooses the patient."""
    session = session_of(visit)
    related = (await fields(visit.request)).get("related", "")
    await people_of(visit).sessions.choose(session, related)
    await noted(visit, session.caller, "user-act-for", f"{session.user} {related}")
    return redirect("/")


async def _again(
    visit: Visit, goal: str, error: NotProven | SlowDown, *, counted: bool = False
) -> Response:
    told = await failed(visit, "user-sign-in", error, counted=counted)
    answer = form(visit, goal, told.text, status_of(told))
    if isinstance(told, SlowDown):
        answer.headers["Retry-After"] = str(told.seconds)
    return answer


def as_json(value: object) -> Response:
    """Options for an authenticator."""
    return JSONResponse(value, headers=HEADERS | PRIVATE)


def own(visit: Visit) -> People:
    """The people of this installation, where they prove here who they are. Raises Unsupported where
    a provider is asked instead."""
    people = people_of(visit)
    if people.provider:
        raise Unsupported("People sign in at the provider of the institution.")
    return people


def begin_address(goal: str, confirm: bool = False) -> str:
    """Where the way to the provider begins."""
    return f"/sign-in/provider/begin?next={quote(goal)}" + ("&confirm=1" if confirm else "")


def _provider(visit: Visit) -> Provider:
    provider = people_of(visit).provider
    if provider is None:
        raise Unsupported("There is no provider to sign in at.")
    return provider


def _callback(visit: Visit) -> str:
    return visit.web.addressing.origin(visit.place) + CALLBACK


def _flow(visit: Visit) -> str:
    return f"__Host-{_FLOW}" if visit.web.secure else _FLOW
