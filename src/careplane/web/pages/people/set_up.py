"""Set up how to sign in, by invitation: a passkey, or a password with an authenticator app. Looking
at the page does not use the invitation up, so a mail program that opens links does no harm."""

from __future__ import annotations

import hashlib

from starlette.responses import Response

from careplane.access.people.enrolment import App, proven_by_password
from careplane.access.people.refusal import NotProven
from careplane.access.people.user import User
from careplane.kernel.errors import Incorrect
from careplane.web.forms import fields
from careplane.web.pages.people.enter import as_json, own
from careplane.web.pages.people.opening import failed, noted, status_of, visitor, welcome
from careplane.web.visit import Visit, redirect
from careplane.words.catalogues import gettext as _


async def show(visit: Visit) -> Response:
    """GET /set-up?code=..."""
    code = visit.query("code")
    try:
        user = await own(visit).enrolment.invited(code)
    except NotProven as error:
        return await _over(visit, error)
    return _form(visit, user, code)


async def options(visit: Visit) -> Response:
    """POST /set-up/passkey/options, with `code`."""
    code = (await fields(visit.request)).get("code", "")
    enrolment = own(visit).enrolment
    user = await enrolment.invited(code)
    return as_json(await enrolment.passkey_options(user, _subject(code), visitor(visit)))


async def by_passkey(visit: Visit) -> Response:
    """POST /set-up/passkey, with `code`, `credential` and `name`."""
    sent = await fields(visit.request)
    code = sent.get("code", "")
    enrolment = own(visit).enrolment
    try:
        user = await enrolment.invited(code)
        proven = await enrolment.add_passkey(
            user, _subject(code), sent.get("credential", ""), sent.get("name", ""),
            visitor(visit), code,
        )  # fmt: skip
    except NotProven as error:
        return await _over(visit, error)
    answer = await welcome(visit, redirect("/security"), proven)
    await _noted(visit, user, "passkey")
    return answer


async def by_password(visit: Visit) -> Response:
    """POST /set-up, with `code`, `password`, `again`, `app` and `totp`."""
    sent = await fields(visit.request)
    code = sent.get("code", "")
    enrolment = own(visit).enrolment
    try:
        user = await enrolment.invited(code)
        recovery = await enrolment.set_password(
            user, same(sent), sent.get("app", ""), sent.get("totp", "")[:16], code
        )
    except NotProven as error:
        return await _over(visit, error)
    except Incorrect as error:
        return _form(visit, user, code, sent.get("app", ""), error.text, 400)
    answer = visit.render("people/recovery.html", codes=recovery)
    await welcome(visit, answer, proven_by_password(user))
    await _noted(visit, user, "password")
    return answer


async def _over(visit: Visit, error: NotProven) -> Response:
    told = await failed(visit, "user-set-up", error)
    return visit.render("people/over.html", status_of(told), text=_(told.text))


def same(sent: dict[str, str]) -> str:
    """The password, if it was typed alike twice. Raises Incorrect."""
    password = sent.get("password", "")
    if password != sent.get("again", ""):
        raise Incorrect("The two passwords are not the same.")
    return password


def picture(app: App) -> str:
    """The address of the app's secret as a QR code, in an address of an image."""
    import segno  # few ever look at one

    return segno.make(app.address, error="m").svg_data_uri(scale=4, border=2, light="#ffffff")


def _form(
    visit: Visit, user: User, code: str, sealed: str = "", problem: str = "", status: int = 200
) -> Response:
    enrolment = own(visit).enrolment
    try:
        app = enrolment.shown_app(user, sealed) if sealed else enrolment.new_app(user)
    except Incorrect:
        app = enrolment.new_app(user)
    return visit.render(
        "people/set_up.html",
        status,
        user=user,
        code=code,
        app=app,
        picture=picture(app),
        passkeys=visit.site is not None,
        problem=problem,
    )


async def _noted(visit: Visit, user: User, what: str) -> None:
    await noted(visit, user.caller(frozenset(), None), "user-set-up", f"{user.id} {what}")


def _subject(code: str) -> str:
    return hashlib.sha256(code.encode("utf-8", "surrogatepass")).hexdigest()
