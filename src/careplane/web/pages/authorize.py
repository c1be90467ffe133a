"""The pages of the authorization endpoint: choose a patient, allow or not (SMART App Launch 2.2).

An app sends a browser to `ask` from its own site, and the browser brings no session along then
(SameSite=Strict). So `ask` checks the request and leads on to `consider`, from a page of ours. The
request goes along as it was sent and is checked anew each time: nothing is kept about somebody who
has not signed in. What leads out of a GET does so by a page, not by a redirect, since the form of
the sign-in page may lead nowhere else.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import urlencode

from starlette.responses import RedirectResponse, Response

from careplane.access.smart.launch.asking import LONGEST, Asked, Returned
from careplane.access.smart.launch.authorization import Considered
from careplane.access.smart.launch.choices import choices, chosen
from careplane.access.smart.launch.offer import Offer
from careplane.access.smart.people import SIGN_IN, SignedIn
from careplane.access.smart.refusal import Refused
from careplane.access.smart.registration import source_of
from careplane.fhir.tree import Tree
from careplane.kernel.errors import Forbidden, NotFound
from careplane.records.commands import Note
from careplane.web.apps import Apps
from careplane.web.chart.banner import person as described
from careplane.web.forms import fields
from careplane.web.pages.patients import COUNT, FIELDS
from careplane.web.reader import Reader
from careplane.web.say.scopes import say_choices, say_duration
from careplane.web.security import HEADERS, POLICY, PRIVATE
from careplane.web.visit import Visit, redirect
from careplane.words.catalogues import gettext as _

CONTINUE = "/oauth/continue"
_TICK = "tick:"
_MOST_FIELDS = 300
"""As many boxes as scopes can be asked for, with the parts of those for all types."""
Outward = Callable[[Visit, str], Response]


async def ask(visit: Visit) -> Response:
    """GET and POST /oauth/authorize: an app's request, from wherever the app is."""
    query = visit.request.url.query
    if visit.request.method == "POST":
        query = urlencode(await fields(visit.request))

    async def asked() -> Response:
        await _apps(visit).authorization.asked(query, _apps(visit).place(visit.request))
        return onward(visit, _here({"ask": query}))

    return await _answered(visit, asked(), _out)


async def consider(visit: Visit) -> Response:
    """GET /oauth/continue: sign in, choose a patient, then the consent screen, unless the person
    has allowed this before."""
    return await _answered(visit, _considered(visit), onward)


async def decide(visit: Visit) -> Response:
    """POST /oauth/continue: the person has allowed it, or not."""
    return await _answered(visit, _decided(visit), _out)


async def _considered(visit: Visit) -> Response:
    query = visit.request.query_params.get("ask", "")
    asked = await _asked(visit, query)
    person = await _apps(visit).who(visit.request)
    if person is None or not _apps(visit).authorization.is_fresh(asked, person):
        if asked.silent:
            raise asked.refusal("login_required", "Nobody has signed in, or not lately enough.")
        return _to_sign_in(query)
    found = await _apps(visit).authorization.considered(asked, person, visit.query("patient"))
    if found.must_choose:
        if asked.silent:
            raise asked.refusal("interaction_required", "A patient has to be chosen.")
        return await _picker(visit, found, query)
    patient = await _patient(visit, found)
    remembered = await _apps(visit).authorization.remembered(found)
    if remembered is not None:
        return onward(visit, await _approved(visit, found, remembered))
    if asked.silent:
        raise asked.refusal("consent_required", "The person has not allowed this yet.")
    return _consent(visit, found, query, patient)


async def _decided(visit: Visit) -> Response:
    sent = await fields(visit.request, _MOST_FIELDS)
    query, patient = sent.get("ask", ""), sent.get("patient", "")
    asked = await _asked(visit, query)
    person = await _apps(visit).who(visit.request)
    if person is None:
        return _to_sign_in(query)
    if not _apps(visit).is_sealed(sent.get("seal", ""), person, query, patient):
        raise Forbidden("The form is not one that this server has shown to you.")
    if sent.get("decision") != "allow":
        await _note(visit, person, "oauth-deny", f"client/{asked.client.id}")
        raise _apps(visit).authorization.denied(asked)
    found = await _apps(visit).authorization.considered(asked, person, patient)
    if found.must_choose:
        raise Forbidden("Choose a patient first.")
    await _patient(visit, found)
    boxes = [name.removeprefix(_TICK).split() for name in sent if name.startswith(_TICK)]
    ticked = [key for keys in boxes for key in keys]
    return _out(visit, await _approved(visit, found, chosen(found.offer, ticked)))


async def _asked(visit: Visit, query: str) -> Asked:
    if len(query) > LONGEST:
        raise Refused(
            "invalid_request", _("The request has more than %(count)s characters.", count=LONGEST)
        )
    return await _apps(visit).authorization.asked(query, _apps(visit).place(visit.request))


async def _approved(visit: Visit, found: Considered, allowed: Offer) -> str:
    address = await _apps(visit).authorization.approve(found, allowed)
    said = f"client/{found.asked.client.id} {' '.join(allowed.words)}"
    await _note(visit, found.person, "oauth-authorize", said)
    return address


async def _note(visit: Visit, person: SignedIn, operation: str, text: str) -> None:
    await visit.web.door.note(person.caller(), Note(operation, text))


async def _patient(visit: Visit, found: Considered) -> Tree:
    """The patient, read as the person: whoever may not see a record can give nobody access."""
    if not found.patient:
        return {}
    reader = Reader(visit.web.door, found.person.caller())
    try:
        return (await reader.read("Patient", found.patient)).tree
    except (Forbidden, NotFound):
        raise found.asked.refusal(
            "access_denied", "There is no such patient, or none that the person may see."
        ) from None


async def _picker(visit: Visit, found: Considered, query: str) -> Response:
    """Patients whom the person may see, to choose one."""
    reader = Reader(visit.web.door, found.person.caller())
    typed = {field: visit.query(field) for field, _ in FIELDS}
    pairs = [(code, typed[field]) for field, code in FIELDS if typed[field]]
    if found.person.patients:
        pairs.append(("_id", ",".join(found.person.patients)))
    pairs += [("_sort", "family,given"), ("_count", str(COUNT))]
    cursor = visit.query("cursor") or None
    page, problem = await reader.attempt("Patient", pairs, cursor)
    again = {"ask": query, **{name: value for name, value in typed.items() if value}}
    return _alone(
        visit,
        "authorize/pick.html",
        400 if problem else 200,
        problem=problem,
        ask=query,
        app=found.asked.client,
        rows=[
            (described(tree, visit.today), _here({"ask": query, "patient": str(tree["id"])}))
            for tree in page.trees
        ],
        typed=typed,
        clear=_here({"ask": query}),
        first=_here(again) if cursor else "",
        next=_here(again | {"cursor": page.next}) if page.next else "",
    )


def _consent(visit: Visit, found: Considered, query: str, patient: Tree) -> Response:
    boxes = choices(found.offer)
    answer = _alone(
        visit,
        "authorize/consent.html",
        ask=query,
        app=found.asked.client,
        person=found.person,
        patient=described(patient, visit.today) if patient else None,
        own=bool(found.patient) and found.patient == found.person.patient,
        rows=say_choices(boxes),
        tick=_TICK,
        duration=say_duration(found.offer.contexts),
        goes_to=source_of(found.asked.redirect_uri),
        seal=_apps(visit).seal(found.person, query, found.patient),
        chosen=found.patient,
    )
    where = source_of(found.asked.redirect_uri)
    answer.headers["Content-Security-Policy"] = POLICY.replace(
        "form-action 'self'", f"form-action 'self' {where}"
    )
    return answer


async def _answered(visit: Visit, work: Awaitable[Response], outward: Outward) -> Response:
    """The answer, or what is wrong: told to the app where that is safe, else on a page of ours."""
    try:
        return await work
    except Returned as error:
        return outward(visit, error.address)
    except Refused as error:
        return _alone(visit, "authorize/refused.html", 400, text=_(error.text))


def onward(visit: Visit, url: str) -> Response:
    """A page that leads on at once, scripts or not."""
    return _alone(visit, "authorize/onward.html", url=url)


def _out(visit: Visit, url: str) -> Response:
    return RedirectResponse(url, 303, headers=HEADERS | PRIVATE)


def _alone(visit: Visit, template: str, status: int = 200, **values: Any) -> Response:
    """A page without the navigation: one question, and nothing to click beside it."""
    return visit.render(template, status, caller=None, role=None, **values)


def _to_sign_in(query: str) -> Response:
    """And back with the request alone: no link from elsewhere chooses a patient."""
    return redirect(f"{SIGN_IN}?{urlencode({'next': _here({'ask': query})})}")


def _apps(visit: Visit) -> Apps:
    apps = visit.web.apps
    assert apps is not None  # its routes are there only with it
    return apps


def _here(parameters: dict[str, str]) -> str:
    return f"{CONTINUE}?{urlencode(parameters)}"
