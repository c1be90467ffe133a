"""Attacks on sessions: fixed, stolen, left open, forged forms; on invitations; and on what asks for
a fresh proof or for an administrator."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from careplane.access.caller import Caller
from careplane.access.people.sessions import Limits
from careplane.access.people.user import Charge
from careplane.access.scopes import parse_scopes
from careplane.kernel.errors import Busy, Forbidden
from tests.fhir_house import TENANT
from tests.people_house import ORIGIN, Authenticator, Browser, Hospital, Person, open_hospital, over

pytestmark = pytest.mark.anyio
MINUTE = 60_000_000


@pytest.fixture
async def ada(there: Hospital) -> Person:
    return await there.with_passkey("ada@hospital.test", "Practitioner/ada", "administrator")


@pytest.fixture
async def browser(there: Hospital, ada: Person) -> Browser:
    """Ada's, signed in."""
    browser = there.browser()
    assert (await browser.by_passkey(ada)).status_code == 303
    return browser


async def with_cookie(there: Hospital, cookie: str) -> Browser:
    """Who has got hold of a cookie."""
    thief = there.browser("203.0.113.9")
    thief.http.cookies.set("__Host-careplane-session", cookie, domain="hospital.test")
    return thief


async def test_a_cookie_that_was_there_before_is_not_the_session(
    there: Hospital, ada: Person
) -> None:
    victim = await with_cookie(there, "1.x.planted-by-somebody-else")
    await victim.by_passkey(ada)
    assert victim.session != "1.x.planted-by-somebody-else"
    assert await (await with_cookie(there, "1.x.planted-by-somebody-else")).who() is None


async def test_signing_in_ends_the_session_that_was_there(
    there: Hospital, ada: Person, browser: Browser
) -> None:
    before = browser.session
    eve = await there.with_passkey("eve@hospital.test", "Practitioner/eve", "nurse")
    await browser.by_passkey(eve)
    assert browser.session != before
    assert await (await with_cookie(there, before)).who() is None


async def test_confirming_changes_the_cookie(
    there: Hospital, ada: Person, browser: Browser
) -> None:
    before, began = browser.session, await browser.who()
    there.clock.now += MINUTE
    assert (await browser.by_passkey(ada, path="/confirm")).status_code == 303
    assert browser.session != before
    assert await (await with_cookie(there, before)).who() is None
    after = await browser.who()
    assert began
    assert after
    assert after.auth_time == began.auth_time + 60


async def test_the_cookie_is_kept_from_scripts_and_other_sites(
    there: Hospital, ada: Person
) -> None:
    answer = await there.browser().by_passkey(ada)
    cookies = answer.headers.get_list("set-cookie")
    (session,) = [one for one in cookies if one.startswith("__Host-careplane-session=")]
    for word in ("HttpOnly", "Secure", "SameSite=lax", "Path=/"):
        assert word in session
    assert "Domain" not in session
    assert "Max-Age" not in session
    assert "ada@" not in session


async def test_a_session_left_alone_is_over(there: Hospital, browser: Browser) -> None:
    there.clock.now += 14 * MINUTE
    assert await browser.who()
    there.clock.now += 14 * MINUTE
    assert await browser.who(), "it was in use"
    there.clock.now += 15 * MINUTE
    assert await browser.who() is None
    there.clock.now -= 10 * MINUTE
    assert await browser.who() is None, "over is over"


async def test_a_session_in_use_ends_some_time(there: Hospital, browser: Browser) -> None:
    for _ in range(12 * 6 - 1):
        there.clock.now += 10 * MINUTE
        assert await browser.who()
    there.clock.now += 10 * MINUTE
    assert await browser.who() is None


async def test_confirming_does_not_make_a_session_longer(there: Hospital, ada: Person) -> None:
    there.people.sessions.limits = Limits(900, 1200)
    browser = there.browser()
    await browser.by_passkey(ada)
    there.clock.now += 11 * MINUTE
    await browser.by_passkey(ada, path="/confirm")
    there.clock.now += 8 * MINUTE
    assert await browser.who()
    there.clock.now += MINUTE
    assert await browser.who() is None


async def test_signing_out_ends_it_on_the_server(there: Hospital, browser: Browser) -> None:
    cookie = browser.session
    await browser.post("/sign-out")
    assert not browser.session
    assert await (await with_cookie(there, cookie)).who() is None


async def test_signing_out_everywhere_does(there: Hospital, ada: Person, browser: Browser) -> None:
    other = there.browser("198.51.100.1")
    await other.by_passkey(ada)
    assert (await browser.post("/security/sessions/end-all")).status_code == 303
    assert await other.who() is None
    assert await browser.who() is None


async def test_what_ends_here_has_ended_on_another_process(
    there: Hospital, ada: Person, browser: Browser
) -> None:
    elsewhere = over(there.state, there.clock)
    cookies = dict(browser.http.cookies)
    assert await elsewhere.who.who(cookies)
    await browser.post("/sign-out")
    await elsewhere.changes.look()
    assert await elsewhere.who.who(cookies) is None
    await browser.by_passkey(ada)
    cookies = dict(browser.http.cookies)
    assert await elsewhere.who.who(cookies)
    await there.people.registrar.disable(TENANT, ada.user.id)
    await elsewhere.changes.look()
    assert await elsewhere.who.who(cookies) is None


async def test_a_process_that_sees_nothing_lets_nobody_in(
    there: Hospital, browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    await there.people.changes.watch()
    try:
        there.clock.now += 6_000_000
        with pytest.raises(Busy):
            await browser.who()
        assert (await browser.get("/security")).status_code == 503
        assert (await browser.post("/nowhere")).status_code == 405
    finally:
        await there.people.changes.close()


async def test_a_session_of_another_user_cannot_be_ended(
    there: Hospital, ada: Person, browser: Browser
) -> None:
    eve = await there.with_passkey("eve@hospital.test", "Practitioner/eve", "nurse")
    hers = there.browser()
    await hers.by_passkey(eve)
    session = await hers.who()
    assert session
    answer = await browser.post("/security/sessions/end", {"key": session.key})
    assert answer.status_code == 404
    assert await hers.who()


@pytest.mark.parametrize(
    "cookie", ["", "x", "1", "1.", "1..", "9" * 300, "é.x.y", "1.nobody.x", "2.nobody.x", "-1.a.b"]
)
async def test_a_cookie_that_is_none_is_nobody(there: Hospital, cookie: str) -> None:
    assert await there.people.sessions.who(cookie) is None


async def test_a_disabled_user_is_out_and_stays_out(
    there: Hospital, ada: Person, browser: Browser
) -> None:
    await there.people.registrar.disable(TENANT, ada.user.id)
    assert await browser.who() is None
    assert (await there.browser().by_passkey(ada)).status_code == 401
    await there.people.registrar.enable(TENANT, ada.user.id)
    assert await browser.who() is None, "what was ended stays ended"
    assert (await there.browser().by_passkey(ada)).status_code == 303


async def test_a_session_that_begins_while_the_user_is_disabled_is_none(
    there: Hospital, ada: Person
) -> None:
    before = await there.people.registrar.users.get(TENANT, ada.user.id)
    await there.people.registrar.disable(TENANT, ada.user.id)
    await there.people.registrar.enable(TENANT, ada.user.id)
    with pytest.raises(Exception, match="disabled"):
        await there.people.sessions.open(before, ("pop",), "", "")


async def test_a_role_that_is_withdrawn_is_gone_at_once(there: Hospital, browser: Browser) -> None:
    session = await browser.who()
    assert session
    assert session.roles == {"administrator"}
    await there.people.registrar.withdraw(TENANT, session.user, "administrator")
    after = await browser.who()
    assert after
    assert after.roles == frozenset()
    assert after.caller.scopes == frozenset(), "who has no role has no right"
    assert (await browser.get("/people")).status_code == 403


FORGED = [
    {"origin": "https://evil.example"},
    {"origin": "null"},
    {"sec-fetch-site": "cross-site"},
    {"sec-fetch-site": "same-site"},
]


@pytest.mark.parametrize("headers", FORGED)
@pytest.mark.parametrize(
    "path",
    ["/sign-in/password", "/sign-in/passkey", "/sign-in/passkey/options", "/set-up", "/confirm",
     "/set-up/passkey", "/sign-out", "/security/passkey", "/security/sessions/end-all",
     "/security/password/remove", "/people", "/people/x", "/clients", "/act-for"],
)  # fmt: skip
async def test_a_form_of_another_site_does_nothing(
    browser: Browser, path: str, headers: dict[str, str]
) -> None:
    answer = await browser.post(path, {"do": "remove"}, headers=headers)
    assert answer.status_code == 403
    assert "set-cookie" not in answer.headers
    assert await browser.who()


@pytest.mark.parametrize(
    "goal",
    ["https://evil.example/", "//evil.example", "/\\evil.example", "\\/evil.example",
     "evil.example", "javascript:alert(1)", "/\t/evil.example", "/a\r\nSet-Cookie: a=b", ""],
)  # fmt: skip
async def test_nobody_is_led_elsewhere(there: Hospital, ada: Person, goal: str) -> None:
    browser = there.browser()
    page = await browser.get("/sign-in", params={"next": goal})
    assert 'name="next" value="/"' in page.text
    answer = await browser.by_passkey(ada, next=goal)
    assert answer.headers["location"] == "/"
    answer = await browser.by_passkey(ada, next=goal, path="/confirm")
    assert answer.headers["location"] == "/"


async def test_people_come_back_to_where_they_wanted(there: Hospital, ada: Person) -> None:
    answer = await there.browser().by_passkey(ada, next="/oauth/authorize?client_id=a&state=b")
    assert answer.headers["location"] == "/oauth/authorize?client_id=a&state=b"


async def test_an_invitation_is_used_once(there: Hospital) -> None:
    _, code = await there.invite("eve@hospital.test", "Practitioner/eve", "nurse")
    keys = [Authenticator() for _ in range(4)]
    browsers = [there.browser(f"198.51.100.{n}") for n in range(4)]
    options = [
        (await one.post("/set-up/passkey/options", {"code": code})).json() for one in browsers
    ]
    found = await asyncio.gather(
        *(
            one.post("/set-up/passkey", {"code": code, "credential": key.create(asked)})
            for one, key, asked in zip(browsers, keys, options, strict=True)
        )
    )
    assert sorted(answer.status_code for answer in found) == [303, 401, 401, 401]
    assert (await there.browser().get(f"/set-up?code={code}")).status_code == 401


async def test_looking_at_an_invitation_does_not_use_it(there: Hospital) -> None:
    _, code = await there.invite("eve@hospital.test", "Practitioner/eve", "nurse")
    for _ in range(3):
        assert (await there.browser().get(f"/set-up?code={code}")).status_code == 200


async def test_an_invitation_lasts_a_day(there: Hospital) -> None:
    _, code = await there.invite("eve@hospital.test", "Practitioner/eve", "nurse")
    there.clock.now += 24 * 60 * MINUTE - 1
    assert (await there.browser().get(f"/set-up?code={code}")).status_code == 200
    there.clock.now += 1
    assert (await there.browser().get(f"/set-up?code={code}")).status_code == 401


async def test_another_invitation_a_reset_or_a_ban_ends_it(there: Hospital) -> None:
    registrar = there.people.registrar
    user, first = await there.invite("eve@hospital.test", "Practitioner/eve", "nurse")
    _, second = await registrar.invite(TENANT, user.id)
    assert (await there.browser().get(f"/set-up?code={first}")).status_code == 401
    _, third = await registrar.reset(TENANT, user.id)
    assert (await there.browser().get(f"/set-up?code={second}")).status_code == 401
    await registrar.disable(TENANT, user.id)
    await registrar.enable(TENANT, user.id)
    assert (await there.browser().get(f"/set-up?code={third}")).status_code == 401


CHANGES: dict[str, Callable[[str], str]] = {
    "shorter": lambda code: code[:-1],
    "longer": lambda code: code + "x",
    "of another tenant": lambda code: "2" + code[1:],
    "empty": lambda code: "",
    "in capitals": str.upper,
    "no letters": lambda code: "é" * 300,
}


@pytest.mark.parametrize("name", CHANGES)
async def test_an_invitation_is_not_guessed(there: Hospital, name: str) -> None:
    _, code = await there.invite("eve@hospital.test", "Practitioner/eve", "nurse")
    answer = await there.browser().get("/set-up", params={"code": CHANGES[name](code)})
    assert answer.status_code == 401
    assert "eve@" not in answer.text


async def test_an_invitation_does_not_open_an_account_that_is_set_up(
    there: Hospital, ada: Person
) -> None:
    with pytest.raises(Exception, match="reset"):
        await there.people.registrar.invite(TENANT, ada.user.id)


async def test_a_reset_ends_all_that_was(there: Hospital, ada: Person, browser: Browser) -> None:
    await there.people.registrar.reset(TENANT, ada.user.id)
    assert await browser.who() is None
    assert (await there.browser().by_passkey(ada)).status_code == 401


async def test_what_was_proven_long_ago_changes_nothing(
    there: Hospital, ada: Person, browser: Browser
) -> None:
    there.clock.now += 5 * MINUTE + 1_000_000
    session = await browser.who()
    assert session
    with pytest.raises(Forbidden, match="fresh"):
        there.people.who.require_fresh(session)
    for path in ("passkey", "passkey/options", "passkey/remove", "passkey/rename", "password",
                 "password/remove", "recovery"):  # fmt: skip
        answer = await browser.post(f"/security/{path}", {"id": ada.key.id.hex(), "name": "x"})
        assert (answer.status_code, answer.headers.get("location")) == (
            303,
            "/confirm?next=/security",
        )
    for path in ("/people", f"/people/{session.user}", "/clients"):
        assert (await browser.get(path)).headers["location"] == f"/confirm?next={path}"
    assert (await browser.post("/people", {"login": "x", "name": "x"})).status_code == 303
    assert len(await there.people.registrar.users.all(TENANT)) == 1
    await browser.by_passkey(ada, path="/confirm")
    assert (await browser.get("/people")).status_code == 200


@pytest.mark.parametrize("path", ["/people", "/people/x", "/clients"])
async def test_only_an_administrator_administers(there: Hospital, path: str) -> None:
    nurse = await there.with_passkey("eve@hospital.test", "Practitioner/eve", "nurse")
    browser = there.browser()
    assert (await browser.get(path)).headers["location"].startswith("/sign-in")
    await browser.by_passkey(nurse)
    assert (await browser.get(path)).status_code == 403
    sent = {
        "do": "grant",
        "role": "administrator",
        "login": "x",
        "name": "x",
        "scope": "system/*.rs",
    }
    where = f"/people/{nurse.user.id}" if path == "/people/x" else path
    if path != "/clients":
        assert (await browser.post(where, sent)).status_code == 403
    assert (await there.people.registrar.users.get(TENANT, nurse.user.id)).roles == ("nurse",)


async def test_nobody_changes_his_own_rights(
    there: Hospital, ada: Person, browser: Browser
) -> None:
    for do in ("grant", "withdraw", "disable", "remove", "reset"):
        sent = {"do": do, "role": "physician" if do == "grant" else "administrator"}
        answer = await browser.post(f"/people/{ada.user.id}", sent)
        assert answer.status_code == 400, do
        assert "own rights" in answer.text
    session = await browser.who()
    assert session
    assert session.roles == {"administrator"}


@pytest.mark.parametrize("role", ["unassigned", "root", "", "Nurse"])
async def test_a_role_that_no_policy_knows_is_not_granted(
    there: Hospital, browser: Browser, role: str
) -> None:
    eve, _ = await there.invite("eve@hospital.test", "Practitioner/eve", "nurse")
    await browser.post(f"/people/{eve.id}", {"do": "grant", "role": role})
    assert (await there.people.registrar.users.get(TENANT, eve.id)).roles == ("nurse",)


async def test_an_administrator_looks_after_people(there: Hospital, browser: Browser) -> None:
    answer = await browser.post(
        "/people", {"login": "new@hospital.test", "name": "New <b>One</b>", "role": "nurse"}
    )
    assert answer.status_code == 200
    assert f"{ORIGIN}/set-up?code=1." in answer.text
    assert "<b>One</b>" not in answer.text
    user = await there.people.registrar.users.named(TENANT, "new@hospital.test")
    assert user.resources[0].startswith("Practitioner/")
    page = (await browser.get(f"/people/{user.id}")).text
    assert "code=" not in page, "the link is shown once"
    for do, role in (
        ("grant", "physician"),
        ("withdraw", "nurse"),
        ("disable", ""),
        ("enable", ""),
    ):
        answer = await browser.post(f"/people/{user.id}", {"do": do, "role": role})
        assert answer.status_code == 303
    now = await there.people.registrar.users.get(TENANT, user.id)
    assert (now.roles, now.disabled) == (("physician",), False)
    assert (await browser.post(f"/people/{user.id}", {"do": "invite"})).status_code == 200
    assert (await browser.post(f"/people/{user.id}", {"do": "steal"})).status_code == 404
    assert (await browser.post(f"/people/{user.id}", {"do": "remove"})).status_code == 303
    kept = await there.audit(
        "user-add", "role-grant", "role-withdraw", "user-disable", "user-remove"
    )
    assert {r.interaction for r in kept} == {
        "user-add", "role-grant", "role-withdraw", "user-disable", "user-remove"
    }  # fmt: skip
    assert all(r.agent == "Practitioner/ada" for r in kept)
    assert all("new@" not in r.query for r in kept)


async def test_nobody_is_somebody_who_is_not_there_yet(there: Hospital, browser: Browser) -> None:
    sent = {"login": "new", "name": "New", "is": "Patient/none"}
    answer = await browser.post("/people", sent)
    assert answer.status_code == 400
    assert "create it first" in answer.text
    assert len(await there.people.registrar.users.all(TENANT)) == 1


async def test_a_proxy_acts_for_patients_of_active_relatives_only() -> None:
    active = {"RelatedPerson/a": "kid-a", "RelatedPerson/b": "kid-b"}

    async def charges(tenant, related):  # type: ignore[no-untyped-def]
        return [Charge(one, active[one], one) for one in related if one in active]

    async with open_hospital(charges=charges) as there:
        refs = ("RelatedPerson/a", "RelatedPerson/b", "RelatedPerson/c")
        _, code = await there.people.registrar.add(TENANT, "mum", "Mum", refs)
        browser, key = there.browser(), Authenticator()
        options = (await browser.post("/set-up/passkey/options", {"code": code})).json()
        sent = {"code": code, "credential": key.create(options)}
        assert (await browser.post("/set-up/passkey", sent)).status_code == 303
        session = await browser.who()
        assert session
        assert (session.patient, session.caller.scopes) == (None, frozenset())
        assert [one.patient for one in session.patients] == ["kid-a", "kid-b"]
        assert (await browser.post("/act-for", {"related": "RelatedPerson/c"})).status_code == 404
        assert (await browser.post("/act-for", {"related": "RelatedPerson/z"})).status_code == 404
        assert (await browser.post("/act-for", {"related": "RelatedPerson/b"})).status_code == 303
        session = await browser.who()
        assert session
        assert (session.id, session.patient) == ("RelatedPerson/b", "kid-b")
        assert {str(one) for one in session.caller.scopes} == {"patient/*.cruds"}
        del active["RelatedPerson/b"]
        there.clock.now += MINUTE
        session = await browser.who()
        assert session
        assert session.patient == "kid-a", "the one that is left"


async def test_a_token_is_no_person(there: Hospital) -> None:
    browser = there.browser()
    tokens = there.house.tokens
    caller = Caller(TENANT, "client/x", "X", parse_scopes("system/*.cruds"), None,
                    frozenset({"administrator"}))  # fmt: skip
    token = tokens.issue(caller, 10_000_000_000)
    assert (await browser.post("/sign-in", {"token": token})).status_code == 303
    for path in ("/security", "/confirm"):
        assert (await browser.get(path)).status_code == 403
    assert (await browser.get("/people")).headers["location"].startswith("/sign-in")


async def test_a_choice_of_language_is_the_own_accounts(
    there: Hospital, ada: Person, browser: Browser
) -> None:
    sent = {"language": "de", "zone": "Europe/Berlin", "user": "somebody-else"}
    assert (await browser.post("/preferences", sent)).status_code == 303
    for seat in (browser, there.browser()):
        await seat.by_passkey(ada)
        page = await seat.get("/security")
        assert 'lang="de"' in page.text
        assert 'data-zone="Europe/Berlin"' in page.text
    forged = await browser.post(
        "/preferences", {"language": "es"}, headers={"origin": "https://evil.example"}
    )
    assert forged.status_code == 403
