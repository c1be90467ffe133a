"""Attacks by guessing: passwords, codes, who has an account; and attacks that want others locked
out."""

from __future__ import annotations

import asyncio

import pytest
from argon2.exceptions import VerifyMismatchError

from careplane.access.people import passwords
from careplane.access.people.refusal import WORDS
from careplane.access.people.throttle import Devices, Throttle, keys
from careplane.kernel.errors import Busy
from tests.contracts.conftest import Hands
from tests.fhir_house import TENANT
from tests.people_house import Browser, Hospital, Person

pytestmark = pytest.mark.anyio


async def guess(browser: Browser, login: str, password: str = "nothing like it") -> int:
    sent = {"login": login, "password": password, "code": "123456"}
    return (await browser.post("/sign-in/password", sent)).status_code


@pytest.fixture
async def ada(there: Hospital) -> Person:
    return await there.with_password("ada@hospital.test", "Practitioner/ada", "nurse")


async def test_guesses_at_one_account_are_slowed_down_by_address(
    there: Hospital, ada: Person
) -> None:
    browser = there.browser("203.0.113.9")
    found = [await guess(browser, ada.user.login) for _ in range(10)]
    assert found == [401] * 6 + [429] * 4
    right = await browser.by_password(ada)
    assert right.status_code == 429, "a right guess is not told from a wrong one"
    assert int(right.headers["retry-after"]) > 0
    there.clock.now += 31_000_000
    assert await guess(browser, ada.user.login) == 401
    assert await guess(browser, ada.user.login) == 429


async def test_guesses_at_many_accounts_are_slowed_down_by_address(there: Hospital) -> None:
    browser = there.browser("203.0.113.9")
    found = [await guess(browser, f"user{n}@hospital.test") for n in range(62)]
    assert found == [401] * 60 + [429] * 2


async def test_many_guesses_at_once_count_as_many(there: Hospital, ada: Person) -> None:
    browser = there.browser("203.0.113.9")
    found = await asyncio.gather(*(guess(browser, ada.user.login) for _ in range(12)))
    assert sorted(found) == [401] * 6 + [429] * 6


async def test_nobody_is_locked_out_by_guesses_of_others(there: Hospital, ada: Person) -> None:
    own = there.browser("192.0.2.1")
    assert (await own.by_password(ada)).status_code == 303
    await own.post("/sign-out")
    there.clock.now += 30_000_000
    for address in ("203.0.113.9", "192.0.2.1"):  # from elsewhere, and from the very same place
        attacker = there.browser(address)
        for _ in range(80):
            await guess(attacker, ada.user.login)
    assert (await own.by_password(ada)).status_code == 303, "the device that signed in before"
    there.clock.now += 30_000_000
    elsewhere = there.browser("198.51.100.7")
    assert (await elsewhere.by_password(ada)).status_code == 303, "a new device, somewhere else"


async def test_a_known_device_may_not_guess_for_ever(there: Hospital, ada: Person) -> None:
    own = there.browser()
    assert (await own.by_password(ada)).status_code == 303
    found = [await guess(own, ada.user.login) for _ in range(8)]
    assert found == [401] * 6 + [429] * 2


async def test_a_device_cookie_is_good_for_its_login_alone(there: Hospital, ada: Person) -> None:
    own = there.browser("203.0.113.9")
    assert (await own.by_password(ada)).status_code == 303
    other = await there.with_password("eve@hospital.test", "Practitioner/eve", "nurse")
    found = [await guess(own, other.user.login) for _ in range(8)]
    assert found == [401] * 6 + [429] * 2


def test_a_device_cookie_cannot_be_made() -> None:
    mine, others = Devices(b"a" * 32), Devices(b"b" * 32)
    cookie = mine.remember("", TENANT, "ada")
    assert mine.known(cookie, TENANT, "ADA ")
    for forged in (others.remember("", TENANT, "ada"), "", "A" * 40, "é", cookie[:-4] + "AAAA"):
        assert not mine.known(forged, TENANT, "ada")
    kept = cookie
    for n in range(20):
        kept = mine.remember(kept, TENANT, f"user{n}")
    assert len(kept) < 300
    assert not mine.known(kept, TENANT, "ada")


async def test_who_has_the_password_cannot_try_codes_from_many_places(
    there: Hospital, ada: Person
) -> None:
    own = there.browser()
    assert (await own.by_password(ada)).status_code == 303
    there.clock.now += 30_000_000
    tried = 0
    for n in range(4):
        attacker = there.browser(f"203.0.113.{n}")
        for _ in range(5):
            answer = await attacker.by_password(ada, code="000000")
            assert (answer.status_code, WORDS in answer.text) == (401, True)
            tried += 1
    assert tried == 20
    fresh = there.browser("203.0.113.99")
    assert (await fresh.by_password(ada)).status_code == 401, "the code is not even looked at"
    assert (await own.by_password(ada)).status_code == 303, "who is at home gets in"


async def test_words_and_steps_do_not_tell_who_has_an_account(
    there: Hospital, ada: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    hashed: list[bool] = []
    read: list[str] = []
    matches, get = passwords._matches, there.state.get

    def counted(kept: str, password: str) -> bool:
        hashed.append(kept.startswith("$argon2id$v=19$m=19456,t=2,p=1$"))
        return matches(kept, password)

    async def noted(tenant, space, key):  # type: ignore[no-untyped-def]
        read.append(space)
        return await get(tenant, space, key)

    monkeypatch.setattr(passwords, "_matches", counted)
    monkeypatch.setattr(there.state, "get", noted)
    passkeyed = await there.with_passkey("key@hospital.test", "Practitioner/key", "nurse")
    disabled = await there.with_password("off@hospital.test", "Practitioner/off", "nurse")
    await there.people.registrar.disable(TENANT, disabled.user.id)
    seen = set()
    for login in (
        ada.user.login,
        passkeyed.user.login,
        disabled.user.login,
        "nobody@x",
        "",
        "é" * 99,
    ):
        hashed.clear()
        read.clear()
        browser = there.browser("198.51.100.1")
        sent = {"login": login, "password": "nothing like it", "code": "123456"}
        answer = await browser.post("/sign-in/password", sent)
        words = answer.text.replace(login, "") if login else answer.text
        seen.add((answer.status_code, words, tuple(read), tuple(hashed)))
    assert len(seen) == 1
    assert all(hashes == (True,) for *_, hashes in seen)


def test_the_password_of_nobody_is_hashed_as_any_other_and_is_none() -> None:
    hasher = passwords._hasher()
    assert not hasher.check_needs_rehash(passwords._NOBODY)
    with pytest.raises(VerifyMismatchError):
        hasher.verify(passwords._NOBODY, "")


async def test_a_disabled_user_gets_the_words_of_a_wrong_password(
    there: Hospital, ada: Person
) -> None:
    await there.people.registrar.disable(TENANT, ada.user.id)
    answer = await there.browser().by_password(ada)
    assert (answer.status_code, WORDS in answer.text) == (401, True)


async def test_what_was_typed_in_is_in_no_record_and_no_log(
    there: Hospital, ada: Person, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    browser = there.browser("203.0.113.9")
    await guess(browser, ada.user.login, "typed-by-mistake-987")
    await guess(browser, "typed-as-login-987", "x")
    await browser.by_password(ada)
    kept = "".join(str(record) for record in await there.house.audit()) + caplog.text
    for secret in ("typed-by-mistake", "typed-as-login", ada.password, ada.app, browser.session):
        assert secret
        assert secret not in kept
    values = b"".join(e.value for e in there.state.entries.values())  # type: ignore[attr-defined]
    for secret in (ada.password, ada.app, browser.session, *ada.recovery):
        assert secret.encode() not in values
    tried = await there.audit("user-sign-in")
    assert [r.detail for r in tried] == ["", "NotProven", "NotProven", ""][-len(tried) :]
    assert any(ada.user.id in record.query for record in tried if record.detail)


async def test_memory_does_not_grow_with_guesses() -> None:
    throttle = Throttle(Hands())
    for n in range(70_000):
        throttle.begin([(f"pair {n}", keys("192.0.2.1", TENANT, "a", "")[0][1])])
    assert len(throttle._until) <= 65_536


def test_an_address_of_version_6_is_a_network() -> None:
    throttle = Throttle(Hands())
    for n in range(6):
        throttle.begin(keys(f"2001:db8::{n}", TENANT, "ada", ""))
    with pytest.raises(Busy):
        throttle.begin(keys("2001:db8::ff", TENANT, "ada", ""))
    throttle.begin(keys("2001:db8:0:1::1", TENANT, "ada", ""))
    throttle.begin(keys("::ffff:192.0.2.1", TENANT, "ada", ""))
