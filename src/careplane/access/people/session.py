"""A session: as it is kept, and as whoever asks who is signed in sees it."""

from __future__ import annotations

from dataclasses import dataclass

from msgspec import Struct

from careplane.access.caller import Caller
from careplane.access.people.user import Charge
from careplane.storage.ports.records import Tenant


class Kept(Struct, frozen=True, array_like=True):
    """`key` is the digest of what the cookie holds; `seen` the last request, as far as it has been
    written; `proved` the last proof, by `amr` (RFC 8176). `roles` are those that an external
    provider says, None where it is the user's own that count; `chosen` is the RelatedPerson as whom
    a proxy acts. Moments are in microseconds since 1970."""

    key: str
    tenant: int
    user: str
    generation: int
    began: int
    seen: int
    proved: int
    amr: tuple[str, ...]
    agent: str
    address: str
    roles: tuple[str, ...] | None = None
    chosen: str = ""


@dataclass(frozen=True, slots=True)
class Session:
    """Somebody who is signed in. `id` is stable over sessions and names the FHIR resource
    (`Practitioner/17`), `user` is the account. `patient` is the one in whose name he acts,
    `patients` are those he may choose from. `auth_time` is when he last proved who he is, in
    seconds since 1970, and `amr` by what; `until` is when the session ends at the latest. `caller`
    is whom the rooms below see, with the most that he may; `language` and `zone` are how he wants
    to be spoken to, empty where he has not said."""

    key: str
    user: str
    id: str
    name: str
    login: str
    tenant: Tenant
    roles: frozenset[str]
    patient: str | None
    patients: tuple[Charge, ...]
    auth_time: int
    amr: tuple[str, ...]
    until: int
    caller: Caller
    language: str = ""
    zone: str = ""
