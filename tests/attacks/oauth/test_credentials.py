"""Attacks on secrets of clients, on the form that carries them, and on those who share an address
or an id with an attacker."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from careplane.access.smart import secrets as kept_secrets
from careplane.access.smart.attempts import Attempts
from careplane.access.smart.secrets import Secrets
from careplane.ledger.audit import Outcome
from tests.contracts.conftest import Hands
from tests.oauth_house import Authority, claims, registered, signed

pytestmark = pytest.mark.anyio
FORM = {"grant_type": "client_credentials", "scope": "system/*.rs"}


async def test_a_secret_is_good_for_its_client_in_either_place(there: Authority) -> None:
    secret = there.secrets["desk"]
    posted = await there.post("token", {**FORM, "client_id": "desk", "client_secret": secret})
    assert posted.status_code == 200
    assert (await there.by_secret("desk")).status_code == 200


@pytest.mark.parametrize(
    ("id", "secret"),
    [
        ("desk", ""),
        ("desk", "password"),
        ("desk", "cps_" + "A" * 64),
        ("desk", "cps_" + "é" * 64),
        ("desk", "cps_" + "!" * 64),
        ("lab", "cps_" + "A" * 64),
        ("nobody", "cps_" + "A" * 64),
        ("", ""),
    ],
)
async def test_a_secret_that_is_none_is_refused_in_the_same_words(
    there: Authority, id: str, secret: str
) -> None:
    answer = await there.post("token", FORM, auth=(id, secret))
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"].startswith("Basic")
    assert answer.json()["error"] == "invalid_client"
    assert "cannot be authenticated" in answer.json()["error_description"]


async def test_a_secret_of_one_client_is_none_of_another(there: Authority) -> None:
    await there.add(registered("ward", "system/*.rs"))
    answer = await there.post("token", FORM, auth=("ward", there.secrets["desk"]))
    assert answer.status_code == 401
    rotated = kept_secrets.kept(there.secrets["desk"])
    assert not kept_secrets.matches(there.secrets["ward"], rotated)


async def test_an_old_secret_is_refused(there: Authority) -> None:
    old = there.secrets["desk"]
    assert (await there.by_secret("desk")).status_code == 200
    _, there.secrets["desk"] = await there.registrar.rotate("desk")
    assert (await there.post("token", FORM, auth=("desk", old))).status_code == 401
    assert (await there.by_secret("desk")).status_code == 200


async def test_nothing_that_is_kept_is_the_secret(there: Authority) -> None:
    values = [entry.value for entry in there.house.state.entries.values()]  # type: ignore[attr-defined]
    secret = there.secrets["desk"]
    raw = base64.urlsafe_b64decode(secret.removeprefix("cps_"))
    assert not any(secret.encode() in value or raw[:32] in value for value in values)
    assert not any(secret in str(record) for record in await there.house.audit())


async def test_guesses_are_slowed_down_cost_no_scrypt_and_lock_nobody_out(
    there: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    real = kept_secrets.matches

    def counted(secret: str, stored: bytes) -> bool:
        asked.append(secret)
        return real(secret, stored)

    monkeypatch.setattr(kept_secrets, "matches", counted)
    guesses = [f"cps_{n:064d}" for n in range(40)]
    answers = [await there.post("token", FORM, auth=("desk", one)) for one in guesses]
    assert [a.status_code for a in answers] == [401] * 20 + [429] * 20
    assert int(answers[-1].headers["retry-after"]) > 0
    assert not asked
    refused = [r for r in await there.house.audit(0) if r.outcome is Outcome.MINOR]  # type: ignore[arg-type]
    assert len(refused) == 20
    assert (await there.by_secret("desk")).status_code == 200
    assert (await there.by_assertion(signed(claims("lab")))).status_code == 200


def test_failures_are_forgotten_and_counted_by_address() -> None:
    clock = Hands()
    attempts = Attempts(clock)
    assert [attempts.failed("192.0.2.1") for _ in range(21)] == [0] * 20 + [3]
    assert attempts.failed("192.0.2.2") == 0
    clock.now += 3_000_000
    assert [attempts.failed("192.0.2.1") for _ in range(2)] == [0, 3]
    assert [attempts.failed(f"2001:db8::{n:x}") for n in range(21)] == [0] * 20 + [3]
    assert attempts.failed("2001:db8:0:1::1") == 0
    for n in range(5000):
        attempts.failed(f"192.0.{n // 250}.{n % 250}")
    assert len(attempts._until) <= 4096


def test_a_tag_of_another_installation_is_none() -> None:
    mine, other = Secrets(bytes(32)), Secrets(bytes([1]) * 32)
    assert mine.is_issued("a", mine.make("a"))
    assert not mine.is_issued("a", other.make("a"))
    assert not mine.is_issued("b", mine.make("a"))


BAD_FORMS: dict[str, tuple[Any, dict[str, str], str]] = {
    "a parameter twice": ("grant_type=client_credentials&scope=a&scope=b", {}, "twice"),
    "JSON": ('{"grant_type": "client_credentials"}', {"content-type": "application/json"}, "Send"),
    "another character set": (
        "grant_type=x",
        {"content-type": "application/x-www-form-urlencoded; charset=utf-7"},
        "UTF-8",
    ),
    "too many": ("&".join(f"a{n}=1" for n in range(33)), {}, "32 parameters"),
    "too long": ("a=" + "x" * 40_000, {}, "32768 bytes"),
    "bytes": (b"a=\xff", {}, "UTF-8"),
    "bytes, encoded": ("a=%ff", {}, "UTF-8"),
    "no pairs": ("grant_type", {}, "not a form"),
    "two ways": (
        "client_secret=x&client_assertion=y",
        {},
        "in one way",
    ),
    "two ways, one in the header": (
        "client_assertion=y",
        {"authorization": "Basic ZGVzazp4"},
        "in one way",
    ),
    "two secrets": ("client_secret=x", {"authorization": "Basic ZGVzazp4"}, "in one way"),
    "another client_id": (
        "client_id=lab",
        {"authorization": "Basic ZGVzazp4"},
        "is not the client",
    ),
    "another kind of assertion": (
        "client_assertion=y&client_assertion_type=saml",
        {},
        "client_assertion_type is",
    ),
}


@pytest.mark.parametrize("name", BAD_FORMS)
async def test_a_form_is_refused(there: Authority, name: str) -> None:
    body, headers, words = BAD_FORMS[name]
    usual = {"content-type": "application/x-www-form-urlencoded"}
    answer = await there.http.post("/oauth/token", content=body, headers=usual | headers)
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")
    assert words in answer.json()["error_description"]
    assert answer.headers["cache-control"] == "no-store"


async def test_nothing_is_taken_from_the_address(there: Authority) -> None:
    secret = there.secrets["desk"]
    answer = await there.http.post(
        "/oauth/token", params={"client_id": "desk", "client_secret": secret}, data=FORM
    )
    assert answer.json()["error"] == "invalid_request"
    assert (await there.http.get("/oauth/token", params=FORM)).status_code == 405


async def test_a_client_proves_itself_as_it_is_registered(there: Authority) -> None:
    assert (await there.by_assertion(signed(claims("desk")))).status_code == 401
    secret = Secrets(bytes(range(32))).make("lab")
    assert (await there.post("token", FORM, auth=("lab", secret))).status_code == 401


@pytest.mark.parametrize(
    ("form", "error"),
    [
        ({"scope": "system/*.rs"}, "invalid_request"),
        ({"grant_type": "password", "scope": "system/*.rs"}, "unsupported_grant_type"),
        ({"grant_type": "authorization_code", "code": "x"}, "unauthorized_client"),
        ({"grant_type": "refresh_token", "refresh_token": "x"}, "unauthorized_client"),
    ],
)
async def test_a_grant_that_is_not_offered_is_refused(
    there: Authority, form: dict[str, str], error: str
) -> None:
    answer = await there.post("token", form, auth=("desk", there.secrets["desk"]))
    assert (answer.status_code, answer.json()["error"]) == (400, error)
