"""A person who may sign in, as it is kept: the account, and whom it makes the caller."""

from __future__ import annotations

import re
import unicodedata

from msgspec import Struct

from careplane.access.caller import Caller
from careplane.access.people.standing import ACT, NARROW, READ
from careplane.access.scopes import parse_scopes
from careplane.kernel.errors import Incorrect
from careplane.storage.ports.records import Tenant

PATIENT, PROXY = "patient", "proxy"
ACTING_PROXY, NARROW_PROXY = "acting-proxy", "narrow-proxy"
_BY_RIGHTS = {READ: frozenset[str](), ACT: frozenset({ACTING_PROXY}),
              NARROW: frozenset({NARROW_PROXY})}  # fmt: skip
_REPLACED = {NARROW: frozenset({PROXY})}
ADMINISTRATOR = "administrator"
"""The role that may administer people."""
_REFERENCE = re.compile(r"(Practitioner|Patient|RelatedPerson)/[A-Za-z0-9.-]{1,64}")
_MOST_NAME, _MOST_ROLES, _MOST_RESOURCES = 128, 20, 20


class Charge(Struct, frozen=True, array_like=True):
    """A patient for whom a proxy may act, as which RelatedPerson, and how the pages name him;
    `rights` as in `standing`."""

    related: str
    patient: str
    name: str
    rights: str = READ


class User(Struct, frozen=True, array_like=True):
    """`login` is what is typed in. `resources` are the FHIR resources that the person is: one
    Practitioner, one Patient, or RelatedPersons, one for each patient. `generation` counts how
    often all sessions were ended; `subject` is who the person is at an external provider, once
    known. `language` and `zone` are how he wants to be spoken to, empty where he has not said.
    Moments are in microseconds since 1970."""

    id: str
    tenant: int
    login: str
    name: str
    resources: tuple[str, ...]
    roles: tuple[str, ...]
    created: int
    disabled: bool = False
    generation: int = 0
    subject: str = ""
    language: str = ""
    zone: str = ""

    @property
    def kind(self) -> str:
        """The type of the resources."""
        return self.resources[0].partition("/")[0]

    @property
    def patient(self) -> str | None:
        """The patient who it is."""
        return self.resources[0].partition("/")[2] if self.kind == "Patient" else None

    def caller(self, roles: frozenset[str], charge: Charge | None, address: str = "") -> Caller:
        """Whom the rooms below see. Who has no role has no right: a caller without one would be
        judged by its scopes alone. A proxy acts for one patient at a time."""
        related = self.kind == "RelatedPerson"
        patient = self.patient or (charge.patient if charge else None)
        context = "user" if self.kind == "Practitioner" else "patient"
        idle = not roles or (related and charge is None)
        if charge and PROXY in roles:
            roles = (roles - _REPLACED.get(charge.rights, frozenset())) | _BY_RIGHTS[charge.rights]
        return Caller(
            Tenant(self.tenant),
            charge.related if related and charge else self.resources[0],
            self.name,
            frozenset() if idle else parse_scopes(f"{context}/*.cruds"),
            patient,
            roles,
            address=address,
        )


def folded(login: str) -> str:
    """Two logins that are alike to people are one."""
    return unicodedata.normalize("NFKC", login).strip().casefold()


def usual_roles(resources: tuple[str, ...]) -> tuple[str, ...]:
    """The roles of who is given none by name."""
    usual = {"Patient": (PATIENT,), "RelatedPerson": (PROXY,)}
    return usual.get(resources[0].partition("/")[0], ()) if resources else ()


def checked(user: User) -> User:
    """The user, if there can be one such. Raises Incorrect."""
    login = folded(user.login)
    if not login or len(login) > _MOST_NAME or not login.isprintable() or " " in login:
        raise Incorrect("A login has up to 128 characters, none of them a space.")
    if not user.name.strip() or len(user.name) > _MOST_NAME or not user.name.isprintable():
        raise Incorrect("A name has 1 to 128 characters.")
    if not user.resources or len(user.resources) > _MOST_RESOURCES:
        raise Incorrect("Say which resource the person is, such as Practitioner/17.")
    for one in user.resources:
        if not _REFERENCE.fullmatch(one):
            raise Incorrect(
                f"{one[:80]!r} is nobody who signs in; write Practitioner/17, Patient/17 or "
                "RelatedPerson/17."
            )
    if len(user.resources) > 1 and {r.partition("/")[0] for r in user.resources} != {
        "RelatedPerson"
    }:
        raise Incorrect("Only RelatedPersons may be several: one for each patient.")
    if len(set(user.roles)) > _MOST_ROLES:
        raise Incorrect(f"A person has at most {_MOST_ROLES} roles.")
    clean = tuple(dict.fromkeys(user.resources)), tuple(sorted(set(user.roles)))
    return User(
        user.id, user.tenant, login, user.name.strip(), *clean,
        user.created, user.disabled, user.generation, user.subject, user.language, user.zone,
    )  # fmt: skip
