"""Attacks on what people prove themselves by: codes used twice, challenges replayed, passkeys of
other sites, of other people, or copied."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

import pytest

from careplane.access.people import codes, passwords
from careplane.access.people.passkeys import Site, site
from careplane.kernel.errors import Incorrect
from tests.people_house import (
    ORIGIN,
    PASSWORD,
    Authenticator,
    Hospital,
    Person,
    b64,
    open_hospital,
    over,
    unb64,
)

pytestmark = pytest.mark.anyio


@pytest.fixture
async def ada(there: Hospital) -> Person:
    return await there.with_passkey("ada@hospital.test", "Practitioner/ada", "nurse")


@pytest.fixture
async def bob(there: Hospital) -> Person:
    return await there.with_password("bob@hospital.test", "Practitioner/bob", "nurse")


async def test_a_code_of_the_app_is_used_once(there: Hospital, bob: Person) -> None:
    code = bob.code(there.clock)
    assert (await there.browser().by_password(bob, code=code)).status_code == 303
    assert (await there.browser("198.51.100.1").by_password(bob, code=code)).status_code == 401
    earlier = bob.code(there.clock, -1)
    assert (await there.browser("198.51.100.2").by_password(bob, code=earlier)).status_code == 401


async def test_of_many_with_one_code_one_gets_in(there: Hospital, bob: Person) -> None:
    code = bob.code(there.clock)
    browsers = [there.browser(f"198.51.100.{n}") for n in range(6)]
    found = await asyncio.gather(*(one.by_password(bob, code=code) for one in browsers))
    assert sorted(answer.status_code for answer in found) == [303] + [401] * 5


async def test_the_code_with_which_it_was_set_up_is_used(there: Hospital) -> None:
    person = await there.with_password("eve@hospital.test", "Practitioner/eve", "nurse")
    there.clock.now -= 30_000_000
    assert (await there.browser().by_password(person)).status_code == 401


@pytest.mark.parametrize("steps", [-3, -2, 2, 3, 1000])
async def test_a_code_of_another_time_is_refused(there: Hospital, bob: Person, steps: int) -> None:
    there.clock.now += 300_000_000
    answer = await there.browser().by_password(bob, code=bob.code(there.clock, steps))
    assert answer.status_code == 401


@pytest.mark.parametrize("code", ["", "12345", "1234567", "abcdef", "١٢٣٤٥٦", "000000 ", "\x00"])
async def test_what_is_no_code_is_refused(there: Hospital, bob: Person, code: str) -> None:
    assert (await there.browser().by_password(bob, code=code)).status_code == 401


async def test_a_recovery_code_is_used_once(there: Hospital, bob: Person) -> None:
    code = bob.recovery[3]
    typed = code.upper().replace("-", " ")
    assert (await there.browser().by_password(bob, code=typed)).status_code == 303
    assert (await there.browser("198.51.100.1").by_password(bob, code=code)).status_code == 401
    left = await there.people.enrolment.proofs(bob.user)
    assert len(left.recovery) == 9


async def test_of_many_with_one_recovery_code_one_gets_in(there: Hospital, bob: Person) -> None:
    browsers = [there.browser(f"198.51.100.{n}") for n in range(6)]
    found = await asyncio.gather(*(one.by_password(bob, code=bob.recovery[0]) for one in browsers))
    assert sorted(answer.status_code for answer in found) == [303] + [401] * 5


async def test_a_recovery_code_of_somebody_else_is_none(there: Hospital, bob: Person) -> None:
    other = await there.with_password("eve@hospital.test", "Practitioner/eve", "nurse")
    answer = await there.browser().by_password(bob, code=other.recovery[0])
    assert answer.status_code == 401


async def test_a_code_without_the_password_is_nothing(there: Hospital, bob: Person) -> None:
    for password in ("", "four words of mine", PASSWORD + "x"):
        browser = there.browser("198.51.100.1")
        assert (await browser.by_password(bob, password=password)).status_code == 401
    assert len((await there.people.enrolment.proofs(bob.user)).recovery) == 10


async def test_old_recovery_codes_and_apps_are_over(there: Hospital, bob: Person) -> None:
    await there.people.enrolment.new_recovery(bob.user)
    answer = await there.browser().by_password(bob, code=bob.recovery[0])
    assert answer.status_code == 401


async def asked(there: Hospital) -> dict[str, Any]:
    return (await there.browser().post("/sign-in/passkey/options")).json()  # type: ignore[no-any-return]


async def enters(there: Hospital, credential: str) -> int:
    answer = await there.browser().post("/sign-in/passkey", {"credential": credential})
    return answer.status_code


async def test_the_authenticator_of_the_tests_gets_in(there: Hospital, ada: Person) -> None:
    browser = there.browser()
    assert (await browser.by_passkey(ada)).status_code == 303
    session = await browser.who()
    assert session is not None
    assert (session.id, session.amr) == ("Practitioner/ada", ("pop", "user", "mfa"))
    again = there.browser()
    assert (await again.by_passkey(ada)).status_code == 303


def changed(**more: Any) -> Callable[[Authenticator], None]:
    def change(key: Authenticator) -> None:
        for name, value in more.items():
            setattr(key, name, value)

    return change


WRONG: dict[str, Callable[[Authenticator], None]] = {
    "another origin": changed(origin="https://hospital.test.evil.example"),
    "plain http": changed(origin="http://hospital.test"),
    "another port": changed(origin="https://hospital.test:8443"),
    "a subdomain": changed(origin="https://a.hospital.test"),
    "another relying party": changed(host="evil.example"),
    "nobody verified": changed(verified=False),
    "nobody present": changed(present=False),
    "another key": lambda key: setattr(key, "key", Authenticator().key),
    "another id": changed(id=b"another passkey!"),
    "no handle": changed(handle=b""),
    "a handle of nobody": changed(handle=b"1/nobody"),
    "a handle of another tenant": lambda key: setattr(
        key, "handle", b"2/" + key.handle.partition(b"/")[2]
    ),
    "a handle that is none": changed(handle=b"\xff\xfe"),
    "a vast handle": changed(handle=b"9" * 60 + b"/x"),
}


@pytest.mark.parametrize("name", WRONG)
async def test_a_passkey_is_refused(there: Hospital, ada: Person, name: str) -> None:
    WRONG[name](ada.key)
    assert await enters(there, ada.key.get(await asked(there))) == 401


@pytest.mark.parametrize("name", ["another origin", "another relying party", "nobody verified"])
async def test_a_passkey_that_is_set_up_is_refused(there: Hospital, name: str) -> None:
    _, code = await there.invite("eve@hospital.test", "Practitioner/eve", "nurse")
    browser, key = there.browser(), Authenticator()
    options = (await browser.post("/set-up/passkey/options", {"code": code})).json()
    WRONG[name](key)
    sent = {"code": code, "credential": key.create(options)}
    assert (await browser.post("/set-up/passkey", sent)).status_code == 401
    assert not browser.session
    assert (await browser.get(f"/set-up?code={code}")).status_code == 200, "it is not used up"


async def test_an_answer_is_taken_once(there: Hospital, ada: Person) -> None:
    answer = ada.key.get(await asked(there))
    assert await enters(there, answer) == 303
    assert await enters(there, answer) == 401


async def test_an_answer_is_taken_once_even_by_a_key_that_does_not_count(
    there: Hospital, ada: Person
) -> None:
    ada.key.count = -1
    answer = ada.key.get(await asked(there))
    assert await enters(there, answer) == 303
    assert await enters(there, answer) == 401
    ada.key.count = -1
    assert await enters(there, ada.key.get(await asked(there))) == 303


async def test_an_answer_is_taken_once_on_all_processes() -> None:
    async with open_hospital() as one:
        ada = await one.with_passkey("ada@hospital.test", "Practitioner/ada", "nurse")
        async with open_hospital(one.state, one.clock) as other:
            ada.key.count = -1
            answer = ada.key.get(await asked(one))
            found = await asyncio.gather(enters(one, answer), enters(other, answer))
            assert sorted(found) == [303, 401]


async def test_a_passkey_that_was_copied_is_refused(there: Hospital, ada: Person) -> None:
    ada.key.count = 5
    assert await enters(there, ada.key.get(await asked(there))) == 303
    ada.key.count = 3
    assert await enters(there, ada.key.get(await asked(there))) == 401


async def test_a_challenge_is_one_of_ours_and_of_now(there: Hospital, ada: Person) -> None:
    options = await asked(there)
    for made_up in (b64(bytes(40)), b64(unb64(options["challenge"])[:-1] + b"x"), b64(b"")):
        assert await enters(there, ada.key.get({"challenge": made_up})) == 401
    there.clock.now += 301_000_000
    assert await enters(there, ada.key.get(options)) == 401


async def test_a_challenge_for_one_thing_is_none_for_another(there: Hospital, ada: Person) -> None:
    browser = there.browser()
    await browser.by_passkey(ada)
    for path in ("/confirm/passkey/options", "/security/passkey/options"):
        options = (await browser.post(path)).json()
        assert await enters(there, ada.key.get(options)) == 401
    options = await asked(there)
    answer = await browser.post("/confirm/passkey", {"credential": ada.key.get(options)})
    assert answer.status_code == 401
    other = there.browser("198.51.100.1")
    await other.by_passkey(ada)
    options = (await other.post("/confirm/passkey/options")).json()
    answer = await browser.post("/confirm/passkey", {"credential": ada.key.get(options)})
    assert answer.status_code == 401, "a challenge of another session"


async def test_the_key_of_another_installation_makes_no_challenges(
    there: Hospital, ada: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = over(there.state, there.clock)
    monkeypatch.setattr(other.challenges, "_key", b"x" * 32)
    challenge = b64(other.challenges.make("sign-in"))
    assert await enters(there, ada.key.get({"challenge": challenge})) == 401


async def test_a_ceremony_of_one_kind_is_none_of_another(there: Hospital, ada: Person) -> None:
    options = await asked(there)
    answer = ada.key.get(options, type="webauthn.create")
    assert await enters(there, answer) == 401


async def test_a_passkey_of_one_user_does_not_confirm_another(there: Hospital, ada: Person) -> None:
    eve = await there.with_passkey("eve@hospital.test", "Practitioner/eve", "nurse")
    browser = there.browser()
    await browser.by_passkey(ada)
    before = browser.session
    assert (await browser.by_passkey(eve, path="/confirm")).status_code == 401
    assert browser.session == before
    eve.key.handle = ada.key.handle
    assert (await browser.by_passkey(eve, path="/confirm")).status_code == 401


async def test_a_password_of_one_user_does_not_confirm_another(
    there: Hospital, bob: Person
) -> None:
    eve = await there.with_password("eve@hospital.test", "Practitioner/eve", "nurse")
    browser = there.browser()
    await browser.by_password(bob)
    there.clock.now += 30_000_000
    sent = {"password": eve.password, "code": eve.code(there.clock), "login": eve.user.login}
    answer = await browser.post("/confirm", sent)
    assert answer.status_code == 401


BROKEN: dict[str, str] = {
    "nothing": "",
    "no JSON": "{",
    "a list": "[]",
    "deep": "[" * 9000,
    "long": "x" * 20_000,
    "no response": '{"id": "aaaa"}',
    "numbers": json.dumps({"id": 1, "response": {"clientDataJSON": 2}}),
    "no base64": json.dumps({"id": "é", "response": {"clientDataJSON": "!"}}),
}


@pytest.mark.parametrize("name", BROKEN)
async def test_a_broken_answer_is_refused(there: Hospital, name: str) -> None:
    assert await enters(there, BROKEN[name]) == 401


async def test_failures_without_end_do_not_fill_the_audit_trail(
    there: Hospital, ada: Person
) -> None:
    browser = there.browser()
    found = [await enters(there, "{}") for _ in range(70)]
    assert found == [401] * 60 + [429] * 10
    assert len(await there.audit("user-sign-in")) == 60 + 1, "and the one of setting up"
    for path in ("/set-up?code=x", "/sign-in/provider"):
        await browser.get(path)
    assert len(await there.audit("user-set-up")) == 1
    assert (await browser.by_passkey(ada)).status_code == 303, "who proves it gets in"


@pytest.mark.parametrize(
    ("base_url", "host", "expected"),
    [
        ("https://hospital.test", "evil.example", Site(ORIGIN, "hospital.test")),
        ("https://hospital.test:8443", "", Site("https://hospital.test:8443", "hospital.test")),
        ("http://hospital.test", "", None),
        ("", "evil.example", None),
        ("", "localhost.evil.example", None),
        ("", "127.0.0.1:8080", None),
        ("https://192.0.2.1", "", None),
        ("https://[2001:db8::1]", "", None),
        ("", "localhost:8080", Site("http://localhost:8080", "localhost")),
        ("", "", None),
    ],
)
def test_a_host_that_somebody_sends_is_no_site(
    base_url: str, host: str, expected: Site | None
) -> None:
    assert site(base_url, host) == expected


@pytest.mark.parametrize(
    "password",
    ["short", "aaaaaaaaaaaaaaaa", "abcdefghijklmnop", "9876543210987", "passpasspasspass",
     "ada.lovelace1", "careplanecareplane1", "x" * 300],
)  # fmt: skip
def test_a_password_that_is_guessed_at_once_is_refused(password: str) -> None:
    with pytest.raises(Incorrect):
        passwords.check(password, "ada.lovelace", "Ada Lovelace")


async def test_a_secret_of_one_user_is_none_of_another(there: Hospital) -> None:
    ada, code = await there.invite("a@hospital.test", "Practitioner/a", "nurse")
    eve, _ = await there.invite("e@hospital.test", "Practitioner/e", "nurse")
    known = there.people.enrolment.new_app(eve)
    totp = codes.pyotp.TOTP(known.secret).generate_otp(there.clock.now // 30_000_000)
    with pytest.raises(Incorrect, match="too old"):
        await there.people.enrolment.set_password(ada, PASSWORD, known.sealed, totp, code)


async def test_what_is_kept_is_worthless_without_the_key(there: Hospital, bob: Person) -> None:
    proofs = await there.people.enrolment.proofs(bob.user)
    assert proofs.password.startswith("$argon2id$")
    assert proofs.app
    assert bob.app.encode() not in proofs.app


async def test_the_last_way_in_is_not_taken_away(there: Hospital, ada: Person) -> None:
    browser = there.browser()
    await browser.by_passkey(ada)
    answer = await browser.post("/security/passkey/remove", {"id": ada.key.id.hex()})
    assert answer.status_code == 409
    assert (await there.browser().by_passkey(ada)).status_code == 303
