"""A client's assertion that it is itself: a JWT under its private key (RFC 7523, 3; SMART App
Launch 2.2, Client Authentication: Asymmetric).

`opened` reads without believing anything, so that the client's key can be found; `checked` verifies
the signature under that key and then what the claims must say. Only four header parameters are
known: whatever would bring a key along, or name one elsewhere (`jwk`, `x5c`, `x5u`, a `jku` that is
not the registered one), is refused before any key is looked for.
"""

from __future__ import annotations

import binascii
import json
from base64 import urlsafe_b64decode
from dataclasses import dataclass
from typing import Any

from joserfc import jwt
from joserfc.errors import JoseError

from careplane.access.smart.jwks import Key
from careplane.access.smart.refusal import Refused, invalid_client

TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
ALGORITHMS = ("RS384", "ES384")
LONGEST = 8192
_HEADER = frozenset({"alg", "kid", "typ", "jku"})
_LIFETIME, _SKEW = 300, 5
_LONGEST_ID = 255


@dataclass(frozen=True, slots=True)
class Opened:
    """What an assertion says of itself, not yet believed."""

    raw: str
    client: str
    algorithm: str
    kid: str
    jku: str


@dataclass(frozen=True, slots=True)
class Checked:
    """What has been proven: the `jti`, to be used once before `expires` (seconds since 1970)."""

    jti: str
    expires: int


def opened(raw: str) -> Opened:
    """Its header and issuer. Raises Refused."""
    parts = raw.split(".")
    if len(raw) > LONGEST or len(parts) != 3:
        raise _refused(f"The assertion is a JWT in compact form, of at most {LONGEST} characters.")
    header, claims = _part(parts[0]), _part(parts[1])
    if header.keys() - _HEADER:
        raise _refused("The assertion's header may have alg, kid, typ and jku, and nothing else.")
    algorithm, kid, jku = header.get("alg"), header.get("kid"), header.get("jku", "")
    if algorithm not in ALGORITHMS:
        raise _refused("The assertion is signed with RS384 or ES384.")
    if header.get("typ") != "JWT":
        raise _refused("The assertion's typ is JWT.")
    if not isinstance(kid, str) or not kid or not isinstance(jku, str):
        raise _refused("The assertion's header names its key by kid.")
    client = claims.get("iss")
    if not isinstance(client, str) or claims.get("sub") != client:
        raise _refused("The assertion's iss and sub are both the client_id.")
    return Opened(raw, client, str(algorithm), kid, jku)


def checked(found: Opened, key: Key, audience: str, now: int) -> Checked:
    """That it is signed with this key, for this audience, and good at `now` (seconds since 1970).
    Raises Refused."""
    try:
        claims = jwt.decode(found.raw, key, algorithms=[found.algorithm]).claims
    except (JoseError, ValueError, TypeError):
        raise invalid_client() from None
    if claims.get("iss") != found.client or claims.get("sub") != found.client:
        raise invalid_client()
    if claims.get("aud") not in (audience, [audience]):
        raise _refused(
            "The assertion's aud is the address of the token endpoint, and nothing else."
        )
    expires, jti = _moment(claims, "exp"), claims.get("jti")
    if expires is None or expires <= now - _SKEW:
        raise _refused("The assertion has expired, or has no exp.")
    if expires > now + _LIFETIME + _SKEW:
        raise _refused(f"The assertion's exp is at most {_LIFETIME} seconds ahead.")
    for name in ("nbf", "iat"):
        if (_moment(claims, name) or 0) > now + _SKEW:
            raise _refused(f"The assertion's {name} is in the future.")
    if not isinstance(jti, str) or not 0 < len(jti) <= _LONGEST_ID:
        raise _refused(f"The assertion has a jti of at most {_LONGEST_ID} characters.")
    return Checked(jti, expires)


def _moment(claims: dict[str, Any], name: str) -> int | None:
    """A NumericDate. Raises Refused where it is there and is none."""
    value = claims.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 1 << 40:
        raise _refused(f"The assertion's {name} is a number of seconds since 1970.")
    return int(value)


def _part(text: str) -> dict[str, Any]:
    try:
        raw = urlsafe_b64decode(text.encode("ascii") + b"=" * (-len(text) % 4))
        found = json.loads(raw, object_pairs_hook=_single)
    except (ValueError, UnicodeError, binascii.Error, RecursionError):
        raise _refused("A part of the assertion is not base64url of a JSON object.") from None
    if not isinstance(found, dict):
        raise _refused("A part of the assertion is not base64url of a JSON object.")
    return found


def _single(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """No name twice: two readers could take a different one of them."""
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name is there twice")
    return found


def _refused(text: str) -> Refused:
    return Refused("invalid_client", text)
