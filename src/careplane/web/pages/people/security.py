"""My security: by what I sign in, where I am signed in, and how to end it."""

from __future__ import annotations

from binascii import Error, unhexlify
from datetime import UTC, datetime

from starlette.responses import Response

from careplane.access.people.refusal import NotProven
from careplane.access.people.user import User
from careplane.kernel.errors import Conflict, Incorrect, NotFound
from careplane.web.forms import fields
from careplane.web.pages.people.enter import as_json, own
from careplane.web.pages.people.guard import people_of, session_of
from careplane.web.pages.people.opening import failed, noted, status_of, take, visitor
from careplane.web.pages.people.set_up import picture, same
from careplane.web.visit import Handler, Visit, redirect


async def show(visit: Visit) -> Response:
    """GET /security."""
    return await _page(visit)


async def options(visit: Visit) -> Response:
    """POST /security/passkey/options."""
    enrolment = own(visit).enrolment
    key = session_of(visit).key
    return as_json(await enrolment.passkey_options(await _user(visit), key, visitor(visit)))


async def add_passkey(visit: Visit) -> Response:
    """POST /security/passkey, with `credential` and `name`."""
    sent = await fields(visit.request)
    user, key = await _user(visit), session_of(visit).key
    try:
        await own(visit).enrolment.add_passkey(
            user, key, sent.get("credential", ""), sent.get("name", ""), visitor(visit)
        )
    except NotProven as error:
        told = await failed(visit, "user-passkey-add", error)
        return await _page(visit, told.text, status_of(told))
    except (Conflict, Incorrect) as error:
        return await _page(visit, error.text, 400)
    return await _done(visit, "user-passkey-add")


async def rename_passkey(visit: Visit) -> Response:
    """POST /security/passkey/rename, with `id` and `name`."""
    sent = await fields(visit.request)
    await own(visit).enrolment.rename_passkey(await _user(visit), _id(sent), sent.get("name", ""))
    return await _done(visit, "user-passkey-rename")


async def remove_passkey(visit: Visit) -> Response:
    """POST /security/passkey/remove, with `id`."""
    sent = await fields(visit.request)
    try:
        await own(visit).enrolment.remove_passkey(await _user(visit), _id(sent))
    except Conflict as error:
        return await _page(visit, error.text, 409)
    return await _done(visit, "user-passkey-remove")


async def ask_password(visit: Visit) -> Response:
    """GET /security/password."""
    return await _password(visit)


async def set_password(visit: Visit) -> Response:
    """POST /security/password, with `password`, `again`, `app` and `totp`."""
    sent = await fields(visit.request)
    try:
        codes = await own(visit).enrolment.set_password(
            await _user(visit), same(sent), sent.get("app", ""), sent.get("totp", "")[:16]
        )
    except Incorrect as error:
        return await _password(visit, sent.get("app", ""), error.text, 400)
    await _note(visit, "user-password-set")
    return visit.render("people/recovery.html", codes=codes)


async def remove_password(visit: Visit) -> Response:
    """POST /security/password/remove."""
    try:
        await own(visit).enrolment.remove_password(await _user(visit))
    except Conflict as error:
        return await _page(visit, error.text, 409)
    return await _done(visit, "user-password-remove")


async def recovery(visit: Visit) -> Response:
    """POST /security/recovery: new codes, shown once."""
    try:
        codes = await own(visit).enrolment.new_recovery(await _user(visit))
    except Conflict as error:
        return await _page(visit, error.text, 409)
    await _note(visit, "user-recovery-renew")
    return visit.render("people/recovery.html", codes=codes)


async def end(visit: Visit) -> Response:
    """POST /security/sessions/end, with `key`: sign out somewhere else."""
    session = session_of(visit)
    key = (await fields(visit.request)).get("key", "")
    await people_of(visit).sessions.end_one(session.tenant, session.user, key)
    return await _done(visit, "user-session-end")


async def end_all(visit: Visit) -> Response:
    """POST /security/sessions/end-all: sign out everywhere, here too."""
    session = session_of(visit)
    await people_of(visit).sessions.end_all(session.tenant, session.user)
    await _note(visit, "user-sign-out-everywhere")
    answer = redirect("/sign-in")
    take(visit, answer)
    return answer


FRESH: tuple[tuple[str, str, Handler], ...] = (
    ("POST", "passkey/options", options),
    ("POST", "passkey", add_passkey),
    ("POST", "passkey/rename", rename_passkey),
    ("POST", "passkey/remove", remove_passkey),
    ("GET", "password", ask_password),
    ("POST", "password", set_password),
    ("POST", "password/remove", remove_password),
    ("POST", "recovery", recovery),
)
"""What asks for a fresh proof: whoever finds a browser open must not make himself at home."""


async def _page(visit: Visit, problem: str = "", status: int = 200) -> Response:
    people, session = people_of(visit), session_of(visit)
    proofs = await people.registrar.book.get(session.tenant, session.user)
    sessions = await people.sessions.of(session.tenant, session.user)
    return visit.render(
        "people/security.html",
        status,
        problem=problem,
        proofs=proofs,
        sessions=sessions,
        provider=people.provider and people.provider.registration.label,
        fresh=people.who.is_fresh(session),
        passkeys=visit.site is not None,
        moment=moment,
    )


async def _password(
    visit: Visit, sealed: str = "", problem: str = "", status: int = 200
) -> Response:
    enrolment, user = own(visit).enrolment, await _user(visit)
    try:
        app = enrolment.shown_app(user, sealed) if sealed else enrolment.new_app(user)
    except Incorrect:
        app = enrolment.new_app(user)
    return visit.render(
        "people/password.html", status, user=user, app=app, picture=picture(app), problem=problem
    )


async def _user(visit: Visit) -> User:
    session = session_of(visit)
    return await people_of(visit).registrar.users.get(session.tenant, session.user)


async def _done(visit: Visit, operation: str) -> Response:
    await _note(visit, operation)
    return redirect("/security")


async def _note(visit: Visit, operation: str) -> None:
    session = session_of(visit)
    await noted(visit, session.caller, operation, session.user)


def _id(sent: dict[str, str]) -> bytes:
    try:
        return unhexlify(sent.get("id", ""))
    except (Error, ValueError):
        raise NotFound("There is no such passkey of yours.") from None


def moment(micros: int) -> str:
    """A moment as the filter `time` takes it."""
    return datetime.fromtimestamp(micros / 1_000_000, UTC).isoformat(timespec="seconds")
