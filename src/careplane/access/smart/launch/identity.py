"""Who a person is, for an app: the id token (OpenID Connect Core 1.0, 2) and what the userinfo
endpoint says (5.3). `fhirUser` is SMART App Launch 2.2, Scopes for requesting identity data."""

from __future__ import annotations

from typing import Any

from joserfc import jwt

from careplane.access.caller import Caller
from careplane.access.scopes import Permission, Scope
from careplane.access.smart.contexts import FHIR_USER, PROFILE
from careplane.access.smart.launch.asking import Place
from careplane.access.smart.launch.codes import Given
from careplane.access.smart.launch.signing import ALGORITHM, SigningKeys
from careplane.kernel.clock import Clock

SECONDS = 300
"""How long an id token is good: it is read when it is received, and not kept."""
_PEOPLE = frozenset({"Patient", "Person", "Practitioner", "RelatedPerson"})


async def id_token(given: Given, nonce: str, place: Place, keys: SigningKeys, clock: Clock) -> str:
    """A signed id token for the app that was given something."""
    now = clock() // 1_000_000
    claims: dict[str, Any] = {
        "iss": place.issuer,
        "aud": given.client,
        "iat": now,
        "exp": now + SECONDS,
        "auth_time": given.auth_time,
        **claims_of(given.person.id, given.person.name, frozenset(given.words), place),
        **({"nonce": nonce} if nonce else {}),
        **({"amr": list(given.amr)} if given.amr else {}),
    }
    key = await keys.current()
    header = {"alg": ALGORITHM, "kid": key.kid, "typ": "JWT"}
    return jwt.encode(header, claims, key, algorithms=[ALGORITHM])


def claims_of(id: str, name: str, words: frozenset[str], place: Place) -> dict[str, Any]:
    """What an app may know of a person by these scopes."""
    said: dict[str, Any] = {"sub": id}
    if FHIR_USER in words or PROFILE in words:
        if is_resource(id):
            said["fhirUser"] = f"{place.fhir}/{id}"
        said["name"] = name
    return said


def own_resource(caller: Caller, words: frozenset[str]) -> frozenset[Scope]:
    """What `fhirUser` opens besides: to read the one resource that it names."""
    if FHIR_USER not in words or not is_resource(caller.id):
        return frozenset()
    type, _, id = caller.id.partition("/")
    return frozenset({Scope("user", type, frozenset({Permission.READ}), f"_id={id}")})


def is_resource(id: str) -> bool:
    """Whether an id of a caller names a resource of a person."""
    return id.partition("/")[0] in _PEOPLE
