"""An OpenID provider of the institution in the place of our own sign-in (OpenID Connect Core 1.0,
3.1: the authorization code flow, with PKCE, RFC 7636).

What begins in a browser goes on in the same one: state, nonce and the secret of PKCE are sealed in
a cookie. The id_token is taken for the person's word only if the provider signed it, now, for us,
for this very request.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Awaitable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol
from urllib.parse import urlencode

import msgspec
from joserfc import jws, jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet
from msgspec import Struct

from careplane.access.fresh import FRESH_SECONDS
from careplane.access.people.codes import Sealer
from careplane.access.people.refusal import NotProven
from careplane.kernel.clock import Clock
from careplane.kernel.errors import Busy, Fault, Incorrect

ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "ES256", "ES384", "EdDSA")
"""Signatures under a key that only the provider has; never `none`, never a shared secret."""
CALLBACK = "/sign-in/provider"
_FLOW, _FLOW_SECONDS, _GRACE = "people/provider", 600, 5
_BELIEVED, _AGAIN = 300, 10
_ID_TOKEN = 32_768
_NOT_GOOD = "The sign-in of your institution could not be confirmed. Begin again."


class Web(Protocol):
    """Asks the provider: small, quick, without redirects. Raises Busy where it does not answer."""

    def get(self, url: str) -> Awaitable[bytes]: ...

    def post(
        self, url: str, form: Mapping[str, str], auth: tuple[str, str]
    ) -> Awaitable[bytes]: ...


@dataclass(frozen=True, slots=True)
class Registration:
    """How the provider knows us, and whom it means. `claim` names the user by his login;
    `roles` gives the roles of groups, which stand in `groups`, empty where roles are ours."""

    issuer: str
    client_id: str
    client_secret: str
    claim: str = "email"
    groups: str = "groups"
    roles: Mapping[str, str] | None = None
    label: str = "your institution"


class Flow(Struct, frozen=True, array_like=True):
    """A sign-in under way: where it leads, and the session that it is to confirm, if it is that."""

    state: str
    nonce: str
    verifier: str
    until: int
    goal: str
    session: str = ""


@dataclass(frozen=True, slots=True)
class Said:
    """What the provider says of a person: the login, who it is there, roles by groups (None where
    they are ours), when and by what it was proven there."""

    login: str
    subject: str
    roles: tuple[str, ...] | None
    auth_time: int
    amr: tuple[str, ...]


class Provider:
    """One provider. Raises NotProven for what is not confirmed, Busy where the provider does not
    answer."""

    def __init__(self, registration: Registration, web: Web, sealer: Sealer, clock: Clock) -> None:
        self.registration = registration
        self._web = web
        self._sealer = sealer
        self._clock = clock
        self._found: dict[str, Any] = {}
        self._keys: KeySet | None = None
        self._asked = {"configuration": -_BELIEVED, "keys": -_BELIEVED}

    async def begin(self, redirect: str, goal: str, session: str = "") -> tuple[str, str]:
        """Where to send the browser, and the cookie that it keeps. With `session` the person proves
        anew who he is."""
        there = await self._configuration()
        flow = Flow(
            secrets.token_urlsafe(24), secrets.token_urlsafe(24), secrets.token_urlsafe(48),
            self._now() + _FLOW_SECONDS, goal, session,
        )  # fmt: skip
        challenge = hashlib.sha256(flow.verifier.encode()).digest()
        asked = {
            "response_type": "code",
            "client_id": self.registration.client_id,
            "redirect_uri": redirect,
            "scope": "openid profile email",
            "state": flow.state,
            "nonce": flow.nonce,
            "code_challenge": urlsafe_b64encode(challenge).decode().rstrip("="),
            "code_challenge_method": "S256",
            **({"prompt": "login", "max_age": "0"} if session else {}),
        }
        sealed = self._sealer.seal(msgspec.msgpack.encode(flow), _FLOW)
        address = there["authorization_endpoint"]
        joined = "&" if "?" in address else "?"
        return f"{address}{joined}{urlencode(asked)}", urlsafe_b64encode(sealed).decode()

    def flow(self, cookie: str, query: Mapping[str, str]) -> Flow:
        """The sign-in that this browser began and the provider answers (RFC 9207 besides)."""
        try:
            raw = self._sealer.opened(urlsafe_b64decode(cookie[:4096]), _FLOW)
            flow = msgspec.msgpack.decode(raw, type=Flow)
        except (Fault, ValueError, msgspec.DecodeError):
            raise NotProven("provider: no flow", _NOT_GOOD) from None
        if not hmac.compare_digest(flow.state, query.get("state", "")):
            raise NotProven("provider: state", _NOT_GOOD)
        if flow.until <= self._now():
            raise NotProven("provider: late", _NOT_GOOD)
        if query.get("iss", self.registration.issuer) != self.registration.issuer:
            raise NotProven("provider: iss of the answer", _NOT_GOOD)
        if "error" in query or not query.get("code"):
            raise NotProven("provider: refused", "Your institution did not confirm the sign-in.")
        return flow

    async def said(self, flow: Flow, code: str, redirect: str) -> Said:
        """Who it is, for the code of the answer."""
        there = await self._configuration()
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": redirect,
            "code_verifier": flow.verifier,
        }
        auth = (self.registration.client_id, self.registration.client_secret)
        answer = _object(await self._web.post(there["token_endpoint"], form, auth))
        claims = await self._claims(str(answer.get("id_token", "")), flow.nonce)
        return self._meant(claims, flow)

    async def _claims(self, token: str, nonce: str) -> dict[str, Any]:
        """Those of a good id_token (Core, 3.1.3.7)."""
        if not 0 < len(token) <= _ID_TOKEN:
            raise NotProven("provider: no id_token", _NOT_GOOD)
        try:
            claims = jwt.decode(token, await self._key_of(token), algorithms=[*ALGORITHMS]).claims
        except (JoseError, ValueError, TypeError, KeyError, RecursionError):
            raise NotProven("provider: signature", _NOT_GOOD) from None
        ours, now = self.registration.client_id, self._now()
        said = claims.get("aud")
        audience = said if isinstance(said, list) else [said]
        azp = claims.get("azp", ours if len(audience) == 1 else None)
        wrong = (
            ("iss", claims.get("iss") != self.registration.issuer),
            ("aud", ours not in audience),
            ("azp", azp != ours),
            ("exp", not _is_time(claims.get("exp")) or claims["exp"] + _GRACE <= now),
            ("iat", not _is_time(claims.get("iat")) or abs(now - claims["iat"]) > _FLOW_SECONDS),
            ("nonce", not hmac.compare_digest(str(claims.get("nonce", "")).encode(),
            nonce.encode())), ("sub", not isinstance(claims.get("sub"), str) or not claims["sub"]),
        )  # fmt: skip
        for name, is_wrong in wrong:
            if is_wrong:
                raise NotProven(f"provider: {name}", _NOT_GOOD)
        return dict(claims)

    def _meant(self, claims: dict[str, Any], flow: Flow) -> Said:
        claim = self.registration.claim
        login = claims.get(claim)
        if not isinstance(login, str) or not login:
            raise NotProven(f"provider: no {claim}", _NOT_GOOD)
        if claim == "email" and claims.get("email_verified") is not True:
            raise NotProven("provider: e-mail not verified", _NOT_GOOD)
        auth_time = claims.get("auth_time", claims["iat"])
        if not _is_time(auth_time) or auth_time > self._now() + _GRACE:
            raise NotProven("provider: auth_time", _NOT_GOOD)
        if flow.session and ("auth_time" not in claims or self._now() - auth_time > FRESH_SECONDS):
            raise NotProven("provider: no fresh proof", _NOT_GOOD)
        amr = claims.get("amr")
        how = tuple(str(one)[:20] for one in amr[:10]) if isinstance(amr, list) else ("fed",)
        return Said(login, str(claims["sub"]), self._roles(claims), int(auth_time), how)

    def _roles(self, claims: dict[str, Any]) -> tuple[str, ...] | None:
        roles = self.registration.roles
        if not roles:
            return None
        groups = claims.get(self.registration.groups, [])
        named = groups if isinstance(groups, list) else [groups]
        return tuple(sorted({roles[one] for one in named if isinstance(one, str) and one in roles}))

    async def _configuration(self) -> dict[str, Any]:
        """Discovery 1.0, 4: of the very issuer that was configured."""
        now = self._now()
        if not self._found or now - self._asked["configuration"] >= _BELIEVED:
            issuer = self.registration.issuer
            url = f"{issuer.rstrip('/')}/.well-known/openid-configuration"
            found = _object(await self._web.get(url))
            if found.get("issuer") != issuer:
                raise Busy(
                    "The provider of your institution gives another name; tell its operator."
                )
            for name in ("authorization_endpoint", "token_endpoint", "jwks_uri"):
                if not _is_address(found.get(name), issuer):
                    raise Busy(f"The provider of your institution gives no good {name}.")
            self._found, self._asked["configuration"] = found, now
        return self._found

    async def _key_of(self, token: str) -> Any:
        """The key that the header names; the set is read anew for a name that is not known."""
        header = jws.extract_compact(token.encode()).headers()
        if header.get("alg") not in ALGORITHMS:
            raise NotProven("provider: alg", _NOT_GOOD)
        kid, now = header.get("kid"), self._now()
        known = self._keys is not None and any(key.kid == kid for key in self._keys.keys)
        age = now - self._asked["keys"]
        if age >= _BELIEVED or (not known and age >= _AGAIN):
            self._asked["keys"] = now
            raw = _object(await self._web.get((await self._configuration())["jwks_uri"]))
            self._keys = _public(raw)
        assert self._keys is not None
        found = [key for key in self._keys.keys if kid is None or key.kid == kid]
        if len(found) != 1:
            raise NotProven("provider: kid", _NOT_GOOD)
        return found[0]

    def _now(self) -> int:
        return self._clock() // 1_000_000


def roles_by_group(text: str) -> dict[str, str]:
    """`ward-7=nurse, doctors=physician` as a table. Raises Incorrect."""
    found = {}
    for part in filter(None, (one.strip() for one in text.split(","))):
        group, equals, role = part.rpartition("=")
        if not equals or not group.strip() or not role.strip():
            raise Incorrect("CAREPLANE_OIDC_ROLES is written as group=role, group=role.")
        found[group.strip()] = role.strip()
    return found


def _public(raw: dict[str, Any]) -> KeySet:
    """The public keys for signatures; a shared secret or a private key is none."""
    keys = raw.get("keys")
    good = [
        one
        for one in (keys if isinstance(keys, list) else [])[:32]
        if isinstance(one, dict)
        and one.get("kty") in ("RSA", "EC", "OKP")
        and "d" not in one
        and one.get("use", "sig") == "sig"
    ]
    try:
        return KeySet.import_key_set({"keys": good})
    except (JoseError, ValueError, TypeError, KeyError):
        raise Busy("The provider of your institution gives keys that cannot be read.") from None


def _object(raw: bytes) -> dict[str, Any]:
    try:
        found = json.loads(raw)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise Busy("The provider of your institution does not answer as it should.")
    return found


def _is_address(url: object, issuer: str) -> bool:
    """HTTPS, but for a provider that is itself asked without, on loopback."""
    schemes = ("https://", "http://") if issuer.startswith("http://") else ("https://",)
    return isinstance(url, str) and url.startswith(schemes)


def _is_time(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
