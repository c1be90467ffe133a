"""Bearer tokens: JSON Web Tokens (RFC 7519, RFC 9068) that this installation signs for itself.

The signature is HMAC-SHA-256 under a key derived from the installation's own; no other party
checks these tokens. A token that was good a moment ago costs two dictionary look-ups: it is known,
and it has not been revoked.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import OctKey

from careplane.access.caller import TREATMENT, Caller
from careplane.access.here import IsHere, anywhere
from careplane.access.scopes import parse_scopes
from careplane.kernel.clock import Clock
from careplane.kernel.errors import Incorrect, Unauthenticated
from careplane.kernel.ids import secret_id
from careplane.storage.ports.records import Tenant

ISSUER = "careplane"
AUDIENCE = "careplane/fhir"
_ALGORITHM, _TYPE = "HS256", "at+jwt"
_REMEMBERED = 4096


@dataclass(frozen=True, slots=True)
class Token:
    """What a token says. `issued` and `expires` are in seconds since 1970; `client` is the id of
    the registered client that it was issued to, empty for one of the command line or of a session;
    `generation` counts how often the tokens of that client have been revoked (see `standing`).
    `ends` are ids that it ends with, such as of a person's grant; `contexts` are the scopes that
    are not about resources."""

    id: str
    caller: Caller
    issued: int
    expires: int
    client: str = ""
    generation: int = 0
    ends: tuple[str, ...] = ()
    contexts: frozenset[str] = frozenset()


IsRevoked = Callable[[Token], bool]
"""Raises Busy where it cannot be told."""
_UNKNOWN = "The token is not one that this server issued."


def _never(token: Token) -> bool:
    return False


class Tokens:
    """Issues and resolves the tokens of one installation. `key` is 32 secret bytes. At the address
    of another tenant, a good token is as unknown as any other text."""

    def __init__(
        self,
        key: bytes,
        clock: Clock,
        is_revoked: IsRevoked = _never,
        is_here: IsHere = anywhere,
    ) -> None:
        self._key = OctKey.import_key(key)
        self._clock = clock
        self._is_revoked = is_revoked
        self._is_here = is_here
        self._known: dict[str, Token] = {}

    def issue(
        self,
        caller: Caller,
        seconds: int,
        client: str = "",
        generation: int = 0,
        ends: tuple[str, ...] = (),
        contexts: frozenset[str] = frozenset(),
    ) -> str:
        """A token that speaks for this caller until `seconds` from now."""
        now = self._clock() // 1_000_000
        claims: dict[str, Any] = {
            "iss": ISSUER,
            "aud": AUDIENCE,
            "jti": secret_id(),
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
        if caller.emergency is not None:
            claims["emergency"] = caller.emergency
        if caller.patient is not None:
            claims["patient"] = caller.patient
        if caller.proved:
            claims["auth_time"] = caller.proved
        if client:
            claims |= {"client_id": client, "generation": generation}
        if ends:
            claims["ends"] = list(ends)
        if contexts:
            claims["contexts"] = sorted(contexts)
        return jwt.encode({"alg": _ALGORITHM, "typ": _TYPE}, claims, self._key)

    def resolve(self, token: str) -> Caller:
        """The caller that a token speaks for, or `Unauthenticated`; `Busy` where it is not known
        whether it has been revoked."""
        return self.read(token).caller

    def read(self, token: str) -> Token:
        """All that a good token says; raises as `resolve`."""
        known = self._known.get(token)
        if known is None:
            known = self._read(token)
            if len(self._known) >= _REMEMBERED:
                self._known.clear()
            self._known[token] = known
        if not self._is_here(known.caller.tenant):
            raise Unauthenticated(_UNKNOWN)
        if self._clock() // 1_000_000 >= known.expires:
            self._known.pop(token, None)
            raise Unauthenticated("The token has expired; ask for a new one.")
        if self._is_revoked(known):
            raise Unauthenticated("The token has been revoked; ask for a new one.")
        return known

    def told(self, token: str) -> Token:
        """What a token of this installation says, also where it is good no more: for whoever looks
        into what it could do. Raises `Unauthenticated` for one of somebody else."""
        return self._read(token)

    def _read(self, token: str) -> Token:
        try:
            found = jwt.decode(token, self._key, algorithms=[_ALGORITHM])
            claims = found.claims
            if (found.header.get("typ"), claims["iss"]) != (_TYPE, ISSUER):
                raise Unauthenticated("The token was issued by somebody else.")
            if claims["aud"] != AUDIENCE:
                raise Unauthenticated("The token is for somebody else.")
            return Token(
                str(claims["jti"]),
                _caller(claims),
                int(claims["iat"]),
                int(claims["exp"]),
                str(claims.get("client_id", "")),
                int(claims.get("generation", 0)),
                tuple(map(str, claims.get("ends", ()))),
                frozenset(map(str, claims.get("contexts", ()))),
            )
        except (JoseError, KeyError, TypeError, ValueError, Incorrect) as error:
            raise Unauthenticated(_UNKNOWN) from error


def _caller(claims: dict[str, Any]) -> Caller:
    return Caller(
        tenant=Tenant(int(claims["tenant"])),
        id=str(claims["sub"]),
        name=str(claims["name"]),
        scopes=parse_scopes(claims["scope"]),
        patient=claims.get("patient"),
        roles=frozenset(claims.get("roles", ())),
        purpose=str(claims.get("purpose", TREATMENT)),
        client=str(claims.get("client_id", "")),
        token=str(claims["jti"]),
        emergency=claims.get("emergency"),
        proved=int(claims.get("auth_time", 0)),
    )
