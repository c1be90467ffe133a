"""Attacks through an OpenID provider: what it did not say, not to us, not now, or not of this
person."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlsplit

import httpx
import pytest
from joserfc import jws
from joserfc.jwk import ECKey, RSAKey

from careplane.access.people.provider import Registration, roles_by_group
from careplane.app.providing import ProviderWeb
from careplane.kernel.errors import Incorrect
from tests.contracts.conftest import Hands
from tests.fhir_house import TENANT
from tests.people_house import ORIGIN, Browser, Hospital, open_hospital

pytestmark = pytest.mark.anyio
ISSUER = "https://login.test"
KEY = RSAKey.generate_key(2048, {"kid": "one", "use": "sig"}, private=True)
OTHER = RSAKey.generate_key(2048, {"kid": "one"}, private=True)
EC = ECKey.generate_key("P-256", {"kid": "ec"}, private=True)


def signed(claims: dict[str, Any], key: Any = KEY, alg: str = "RS256", **header: Any) -> str:
    """A JWT; whatever `alg` is."""
    head = {"alg": alg, "kid": getattr(key, "kid", None), **header}
    head = {name: value for name, value in head.items() if value is not None}
    if alg == "none" or isinstance(key, bytes):
        text = ".".join(_b64(json.dumps(part).encode()) for part in (head, claims))
        made = hmac.digest(key, text.encode(), "sha256") if isinstance(key, bytes) else b""
        return f"{text}.{_b64(made)}"
    registry = jws.JWSRegistry(algorithms=[alg], strict_check_header=False)
    return jws.serialize_compact(head, json.dumps(claims).encode(), key, registry=registry)


def _b64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


@dataclass
class Login:
    """A small provider. It answers as it should, but for what a test has it say."""

    clock: Hands
    codes: dict[str, dict[str, str]] = field(default_factory=dict)
    says: dict[str, Any] = field(default_factory=dict)
    sign: Any = signed
    configuration: dict[str, Any] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)

    def authorize(self, url: str, **more: str) -> dict[str, str]:
        """What comes back to the browser for what it was sent with."""
        asked = {k: v[0] for k, v in parse_qs(urlsplit(url).query).items()}
        assert (asked["response_type"], asked["client_id"]) == ("code", "careplane")
        assert asked["redirect_uri"] == f"{ORIGIN}/sign-in/provider"
        code = f"code-{len(self.codes)}"
        self.codes[code] = asked
        return {"code": code, "state": asked["state"], "iss": ISSUER, **more}

    def handler(self, request: httpx.Request) -> httpx.Response:
        path = request.url.path
        self.asked.append(path)
        if path == "/.well-known/openid-configuration":
            return httpx.Response(200, json={
                "issuer": ISSUER, "authorization_endpoint": f"{ISSUER}/authorize",
                "token_endpoint": f"{ISSUER}/token", "jwks_uri": f"{ISSUER}/keys",
                **self.configuration,
            })  # fmt: skip
        if path == "/keys":
            public = [KEY.as_dict(private=False), EC.as_dict(private=False)]
            return httpx.Response(200, json={"keys": public})
        form = dict(parse_qsl(request.content.decode()))
        asked = self.codes.pop(form["code"], None)
        digest = hashlib.sha256(form["code_verifier"].encode()).digest()
        challenge = base64.urlsafe_b64encode(digest).decode().rstrip("=")
        if asked is None or asked["code_challenge"] != challenge:
            return httpx.Response(400, json={"error": "invalid_grant"})
        now = self.clock.now // 1_000_000
        claims = {
            "iss": ISSUER, "aud": "careplane", "sub": "s-1", "iat": now, "exp": now + 300,
            "nonce": asked["nonce"], "email": "ada@hospital.test", "email_verified": True,
            "auth_time": now, "amr": ["hwk", "mfa"], **self.says,
        }  # fmt: skip
        claims = {name: value for name, value in claims.items() if value is not None}
        return httpx.Response(200, json={"id_token": self.sign(claims), "access_token": "x"})


@pytest.fixture
def login() -> Login:
    return Login(Hands())


@pytest.fixture
async def there(login: Login) -> AsyncIterator[Hospital]:
    registration = Registration(ISSUER, "careplane", "a secret", label="The Hospital")
    web = ProviderWeb(httpx.MockTransport(login.handler))
    async with open_hospital(None, login.clock, registration, web) as hospital:
        await hospital.invite("ada@hospital.test", "Practitioner/ada", "nurse")
        yield hospital


async def begin(browser: Browser, next: str = "/", **more: str) -> str:
    answer = await browser.get("/sign-in/provider/begin", params={"next": next, **more})
    assert answer.status_code == 303, answer.text
    return answer.headers["location"]


async def enters(browser: Browser, login: Login, **more: str) -> httpx.Response:
    back = login.authorize(await begin(browser, "/patients"), **more)
    return await browser.get("/sign-in/provider", params=back)


async def test_a_person_comes_in(there: Hospital, login: Login) -> None:
    browser = there.browser()
    page = (await browser.get("/sign-in")).text
    assert "The Hospital" in page
    assert 'name="password"' not in page
    answer = await enters(browser, login)
    assert (answer.status_code, answer.headers["location"]) == (303, "/patients")
    session = await browser.who()
    assert session
    assert (session.id, session.roles, session.amr) == (
        "Practitioner/ada", {"nurse"}, ("hwk", "mfa"),
    )  # fmt: skip
    kept = await there.audit("user-sign-in")
    assert [r.agent for r in kept] == ["Practitioner/ada"]


WRONG: dict[str, dict[str, Any]] = {
    "another issuer": {"iss": "https://evil.test"},
    "no issuer": {"iss": None},
    "another audience": {"aud": "somebody-else"},
    "no audience": {"aud": None},
    "among others": {"aud": ["somebody-else", "careplane"]},
    "authorized for another": {"aud": ["somebody-else", "careplane"], "azp": "somebody-else"},
    "another nonce": {"nonce": "replayed"},
    "no nonce": {"nonce": None},
    "expired": {"exp": 1_600_000_000},
    "no end": {"exp": None},
    "an end in words": {"exp": "never"},
    "issued long ago": {"iat": 1_600_000_000},
    "nobody": {"sub": None},
    "an e-mail that nobody has verified": {"email_verified": False},
    "an e-mail that may be verified": {"email_verified": None},
    "an e-mail that says it is": {"email_verified": "true"},
    "no e-mail": {"email": None},
    "a list of e-mails": {"email": ["ada@hospital.test"]},
    "a user who is not there": {"email": "eve@hospital.test"},
    "proven in the future": {"auth_time": 1_900_000_000},
}


@pytest.mark.parametrize("name", WRONG)
async def test_an_id_token_is_refused(there: Hospital, login: Login, name: str) -> None:
    login.says = WRONG[name]
    browser = there.browser()
    answer = await enters(browser, login)
    assert answer.status_code == 401
    assert not browser.session
    (kept,) = await there.audit("user-sign-in")
    assert kept.detail == "NotProven"
    assert "ada@" not in kept.query


SIGNATURES: dict[str, Any] = {
    "none": lambda claims: signed(claims, None, "none"),
    "a shared secret that is the public key": lambda c: signed(
        c, KEY.as_pem(private=False), "HS256", kid="one"
    ),
    "the client's secret": lambda c: signed(c, b"a secret", "HS256", kid="one"),
    "another key of the same name": lambda c: signed(c, OTHER),
    "a key that is not there": lambda c: signed(c, KEY, kid="two"),
    "a key it brings along": lambda c: signed(
        c, OTHER, jwk=OTHER.as_dict(private=False), kid="three"
    ),
    "an algorithm of another kind of key": lambda c: signed(c, EC, "ES256", kid="one"),
    "nothing": lambda c: "",
    "no token": lambda c: "a.b.c",
    "deep": lambda c: base64.urlsafe_b64encode(b"[" * 5000).decode().rstrip("=") + ".e30.x",
    "no kid": lambda c: signed(c, KEY, kid=None),
    "long": lambda c: signed({**c, "padding": "x" * 40_000}),
}


@pytest.mark.parametrize("name", SIGNATURES)
async def test_a_signature_is_refused(there: Hospital, login: Login, name: str) -> None:
    login.sign = SIGNATURES[name]
    browser = there.browser()
    answer = await enters(browser, login)
    assert (answer.status_code, browser.session) == (401, "")


async def test_another_key_of_the_provider_is_good(there: Hospital, login: Login) -> None:
    login.sign = lambda claims: signed(claims, EC, "ES256")
    assert (await enters(there.browser(), login)).status_code == 303


async def test_an_answer_for_another_browser_is_none(there: Hospital, login: Login) -> None:
    attacker, victim = there.browser("203.0.113.9"), there.browser()
    back = login.authorize(await begin(attacker))
    assert (await victim.get("/sign-in/provider", params=back)).status_code == 401
    await begin(victim)
    assert (await victim.get("/sign-in/provider", params=back)).status_code == 401
    assert not victim.session


@pytest.mark.parametrize(
    "more",
    [{"state": "guessed"}, {"state": ""}, {"iss": "https://evil.test"}, {"code": ""},
     {"error": "access_denied"}],
)  # fmt: skip
async def test_an_answer_is_refused(there: Hospital, login: Login, more: dict[str, str]) -> None:
    browser = there.browser()
    assert (await enters(browser, login, **more)).status_code == 401
    assert "/token" not in login.asked


async def test_an_answer_is_taken_once_and_in_time(there: Hospital, login: Login) -> None:
    browser = there.browser()
    back = login.authorize(await begin(browser))
    flow = browser.http.cookies["__Host-careplane-provider"]
    assert (await browser.get("/sign-in/provider", params=back)).status_code == 303
    thief = there.browser("203.0.113.9")
    thief.http.cookies.set("__Host-careplane-provider", flow, domain="hospital.test")
    assert (await thief.get("/sign-in/provider", params=back)).status_code == 503, "no such code"
    late = there.browser()
    back = login.authorize(await begin(late))
    login.clock.now += 601_000_000
    assert (await late.get("/sign-in/provider", params=back)).status_code == 401


async def test_a_code_of_another_flow_is_none(there: Hospital, login: Login) -> None:
    one, other = there.browser(), there.browser()
    stolen = login.authorize(await begin(one))["code"]
    back = login.authorize(await begin(other))
    answer = await other.get("/sign-in/provider", params={**back, "code": stolen})
    assert answer.status_code == 503
    assert not other.session


async def test_a_name_that_is_given_to_somebody_else_opens_nothing(
    there: Hospital, login: Login
) -> None:
    assert (await enters(there.browser(), login)).status_code == 303
    login.says = {"sub": "s-2"}
    assert (await enters(there.browser(), login)).status_code == 401


async def test_a_disabled_user_does_not_come_in(there: Hospital, login: Login) -> None:
    user = await there.people.registrar.users.named(TENANT, "ada@hospital.test")
    await there.people.registrar.disable(TENANT, user.id)
    assert (await enters(there.browser(), login)).status_code == 401


@pytest.mark.parametrize("goal", ["https://evil.test", "//evil.test", "/\\evil.test"])
async def test_nobody_is_led_elsewhere(there: Hospital, login: Login, goal: str) -> None:
    browser = there.browser()
    back = login.authorize(await begin(browser, goal))
    answer = await browser.get("/sign-in/provider", params=back)
    assert answer.headers["location"] == "/"


async def test_our_own_ways_in_are_shut(there: Hospital, login: Login) -> None:
    browser = there.browser()
    sent = {"login": "ada@hospital.test", "password": "x", "code": "1"}
    for path in ("password", "passkey", "passkey/options"):
        assert (await browser.post(f"/sign-in/{path}", sent)).status_code == 501
    assert (await browser.get("/set-up?code=x")).status_code == 501


async def test_confirming_asks_for_a_proof_of_now_by_the_same_person(
    there: Hospital, login: Login
) -> None:
    browser = there.browser()
    await enters(browser, login)
    before = await browser.who()
    login.clock.now += 400_000_000
    url = await begin(browser, "/security", confirm="1")
    assert "prompt=login" in url
    for says in ({"auth_time": None}, {"auth_time": login.clock.now // 1_000_000 - 400}):
        login.says = says
        back = login.authorize(await begin(browser, "/security", confirm="1"))
        assert (await browser.get("/sign-in/provider", params=back)).status_code == 401
    await there.invite("eve@hospital.test", "Practitioner/eve", "physician")
    login.says = {"sub": "s-9", "email": "eve@hospital.test"}
    back = login.authorize(await begin(browser, "/security", confirm="1"))
    assert (await browser.get("/sign-in/provider", params=back)).status_code == 401
    assert (await browser.who()) == before
    login.says = {}
    back = login.authorize(await begin(browser, "/security", confirm="1"))
    assert (await browser.get("/sign-in/provider", params=back)).status_code == 303
    after = await browser.who()
    assert before
    assert after
    assert after.auth_time == before.auth_time + 400


@pytest.mark.parametrize(
    "says",
    [{"issuer": "https://evil.test"}, {"token_endpoint": "http://login.test/token"},
     {"jwks_uri": None}, {"authorization_endpoint": "javascript:alert(1)"}],
)  # fmt: skip
async def test_a_configuration_is_refused(
    there: Hospital, login: Login, says: dict[str, Any]
) -> None:
    login.configuration = says
    assert (await there.browser().get("/sign-in/provider/begin")).status_code == 503


@pytest.mark.parametrize(
    ("groups", "roles"),
    [(["ward-7"], {"nurse"}), (["ward-7", "doctors", "other"], {"nurse", "physician"}), ([], set()),
     (None, set()), ("doctors", {"physician"}), ([["ward-7"], 7, {}], set())],
)  # fmt: skip
async def test_groups_give_roles_and_nothing_else_does(groups: Any, roles: set[str]) -> None:
    login = Login(Hands(), says={"groups": groups})
    mapping = roles_by_group("ward-7=nurse, doctors = physician")
    registration = Registration(ISSUER, "careplane", "a secret", roles=mapping)
    web = ProviderWeb(httpx.MockTransport(login.handler))
    async with open_hospital(None, login.clock, registration, web) as there:
        await there.invite("ada@hospital.test", "Practitioner/ada", "administrator")
        browser = there.browser()
        assert (await enters(browser, login)).status_code == 303
        session = await browser.who()
        assert session
        assert session.roles == roles
        assert bool(session.caller.scopes) == bool(roles)


@pytest.mark.parametrize("text", ["nurse", "=nurse", "a=", "a=b, c"])
def test_a_table_of_groups_is_refused(text: str) -> None:
    with pytest.raises(Incorrect):
        roles_by_group(text)
