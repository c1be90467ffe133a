"""Bearer tokens: JSON Web Tokens (RFC 7519, RFC 9068) that this installation signs for itself.

The signature is HMAC-SHA-256 under a key derived from the installation's own; no other party
checks these tokens. A token that was good a moment ago costs one dictionary look-up.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import OctKey

from careplane.access.caller import TREATMENT, Caller
from careplane.access.scopes import parse_scopes
from careplane.kernel.clock import Clock
from careplane.kernel.errors import Incorrect, Unauthenticated
from careplane.storage.ports.records import Tenant

ISSUER = "careplane"
_ALGORITHM = "HS256"
_REMEMBERED = 4096


@dataclass(frozen=True, slots=True)
class _Known:
    caller: Caller
    expires: int


class Tokens:
    """Issues and resolves the tokens of one installation. `key` is 32 secret bytes."""

    def __init__(self, key: bytes, clock: Clock) -> None:
        self._key = OctKey.import_key(key)
        self._clock = clock
        self._known: dict[str, _Known] = {}

    def issue(self, caller: Caller, seconds: int) -> str:
        """A token that speaks for this caller until `seconds` from now."""
        now = self._clock() // 1_000_000
        claims: dict[str, Any] = {
            "iss": ISSUER,
            "sub": caller.id,
            "name": caller.name,
            "tenant": int(caller.tenant),
            "scope": " ".join(sorted(map(str, caller.scopes))),
            "roles": sorted(caller.roles),
            "iat": now,
            "exp": now + seconds,
        }
        if caller.purpose != TREATMENT:
            claims["purpose"] = caller.purpose
        if caller.patient is not None:
            claims["patient"] = caller.patient
        return jwt.encode({"alg": _ALGORITHM, "typ": "at+jwt"}, claims, self._key)

    def resolve(self, token: str) -> Caller:
        """The caller that a token speaks for, or `Unauthenticated`."""
        known = self._known.get(token)
        if known is None:
            known = self._read(token)
            if len(self._known) >= _REMEMBERED:
                self._known.clear()
            self._known[token] = known
        if self._clock() // 1_000_000 >= known.expires:
            self._known.pop(token, None)
            raise Unauthenticated("The token has expired; ask for a new one.")
        return known.caller

    def _read(self, token: str) -> _Known:
        try:
            claims = jwt.decode(token, self._key, algorithms=[_ALGORITHM]).claims
            if claims["iss"] != ISSUER:
                raise Unauthenticated("The token was issued by somebody else.")
            return _Known(_caller(claims), int(claims["exp"]))
        except (JoseError, KeyError, TypeError, ValueError, Incorrect) as error:
            raise Unauthenticated("The token is not one that this server issued.") from error


def _caller(claims: dict[str, Any]) -> Caller:
    return Caller(
        tenant=Tenant(int(claims["tenant"])),
        id=str(claims["sub"]),
        name=str(claims["name"]),
        scopes=parse_scopes(claims["scope"]),
        patient=claims.get("patient"),
        roles=frozenset(claims.get("roles", ())),
        purpose=str(claims.get("purpose", TREATMENT)),
    )
