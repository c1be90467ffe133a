"""People with the settings of an installation: their roles from its policies, whom proxies may act
for from its records, and perhaps an OpenID provider in the place of our own sign-in."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime
from functools import cache, partial
from urllib.parse import urlsplit

from careplane.access.caller import Caller
from careplane.access.fresh import Fresh, require_fresh, unasked
from careplane.access.people.people import People, people
from careplane.access.people.provider import Registration, roles_by_group
from careplane.access.people.registrar import Exists
from careplane.access.people.registry import Users
from careplane.access.people.sessions import Charges, Limits
from careplane.access.people.standing import NARROW, Ages, rights
from careplane.access.people.user import ACTING_PROXY, NARROW_PROXY, Charge
from careplane.access.policy.named import roles_of
from careplane.access.scopes import parse_scopes
from careplane.access.tenants.known import Tenants
from careplane.app.keys import Keys
from careplane.app.policing import policies_of
from careplane.app.providing import ProviderWeb
from careplane.app.settings import Settings
from careplane.app.tenancy.wiring import Tenancy
from careplane.fhir.tree import Tree
from careplane.kernel.clock import Clock
from careplane.kernel.errors import Incorrect
from careplane.records.bodies import whole
from careplane.records.commands import ReadMany
from careplane.records.door import Door
from careplane.storage.ports.records import Tenant
from careplane.storage.ports.state import StateStore

_SWEPT_SECONDS = 300.0
_SCOPES = parse_scopes("system/RelatedPerson.r system/Patient.r system/Practitioner.r")


def peopling(
    settings: Settings, keys: Keys, state: StateStore, door: Door, clock: Clock, tenants: Tenancy
) -> People:
    """Raises Incorrect for settings of a provider that cannot be."""
    registration = registration_of(settings)
    return people(
        state,
        keys.derive,
        clock,
        _roles(settings, tenants.known),
        charges_of(door, clock, ages_of(settings)),
        exists_in(door),
        Limits(settings.session_idle_minutes * 60, round(settings.session_hours * 3600)),
        secure=settings.base_url.startswith("https://"),
        registration=registration,
        web=ProviderWeb() if registration else None,
        is_here=tenants.here.is_here,
    )


def sweeping(
    people: People, tenants: Callable[[], Sequence[Tenant]]
) -> Callable[[], Awaitable[None]]:
    """A service of the process that leads: forgets what has ended by itself."""

    async def sweep() -> None:
        while True:
            await people.sweep(tenants())
            await asyncio.sleep(_SWEPT_SECONDS)

    return sweep


def fresh_of(settings: Settings, clock: Clock) -> Fresh:
    """Whom a fresh proof is asked of. In the demo nobody: its roles have nothing to prove."""
    return unasked if settings.demo else partial(require_fresh, clock=clock)


def registration_of(settings: Settings) -> Registration | None:
    """How the provider knows us; None where there is none."""
    if not settings.oidc_issuer:
        return None
    if not settings.base_url or not settings.oidc_client_id or not settings.oidc_client_secret:
        raise Incorrect(
            "CAREPLANE_OIDC_ISSUER goes with CAREPLANE_OIDC_CLIENT_ID, "
            "CAREPLANE_OIDC_CLIENT_SECRET and CAREPLANE_BASE_URL."
        )
    issuer = urlsplit(settings.oidc_issuer)
    loopback = issuer.hostname in ("localhost", "127.0.0.1", "::1")
    if not issuer.hostname or not (issuer.scheme == "https" or loopback):
        raise Incorrect("CAREPLANE_OIDC_ISSUER begins with https://.")
    return Registration(
        settings.oidc_issuer,
        settings.oidc_client_id,
        settings.oidc_client_secret,
        settings.oidc_claim,
        settings.oidc_groups,
        roles_by_group(settings.oidc_roles),
        settings.oidc_label,
    )


def _roles(settings: Settings, tenants: Tenants) -> Callable[[Tenant], frozenset[str]]:
    """Those of an institution's own policies, where it has some. Read when they are first asked
    for."""

    @cache
    def named(folder: str) -> frozenset[str]:
        return roles_of(policies_of(settings, folder).rules)

    def roles(tenant: Tenant) -> frozenset[str]:
        found = tenants.by_number(tenant)
        return named(found.policies if found else "")

    return roles


def exists_in(door: Door) -> Exists:
    """Whether a resource is there, in the audit trail as read by this service: who administers
    people may see no patients."""

    async def exists(tenant: Tenant, reference: str) -> bool:
        return bool(await _read(door, _service(tenant), (reference,)))

    return exists


def ages_of(settings: Settings) -> Ages:
    """To which age of a child parents act for it. Raises Incorrect."""
    return Ages(settings.proxy_narrows_at, settings.proxy_ends_at)


def charges_of(door: Door, clock: Clock, ages: Ages) -> Charges:
    """Who the RelatedPersons are that may act now, and their patients, in the audit trail as read
    by this service."""

    async def charges(tenant: Tenant, related: tuple[str, ...]) -> list[Charge]:
        caller = _service(tenant)
        trees = await _read(door, caller, related)
        of = {f"RelatedPerson/{one['id']}": one for one in trees}
        patients = sorted({ref for one in trees if (ref := _patient(one)).startswith("Patient/")})
        known = {f"Patient/{one['id']}": one for one in await _read(door, caller, patients)}
        today = datetime.fromtimestamp(clock() / 1_000_000, UTC).date()
        found = []
        for name in related:
            patient = known.get(_patient(of.get(name, {})))
            if patient and (may := rights(of[name], patient, today, ages)):
                found.append(Charge(name, str(patient["id"]), _name(patient), may))
        return found

    return charges


def stands_of(
    settings: Settings, state: StateStore, door: Door, clock: Clock
) -> Callable[[Caller], Awaitable[bool]]:
    """As `stands`, of this installation."""
    return stands(Users(state), charges_of(door, clock, ages_of(settings)))


def stands(users: Users, charges: Charges) -> Callable[[Caller], Awaitable[bool]]:
    """Whether somebody in whose name work is done later may still come in: with the roles that they
    had, and of a proxy as long as the relation to the patient holds and shows no less. Who is no
    user of ours stands by the relation alone."""

    async def standing(caller: Caller) -> bool:
        tenant = Tenant(caller.tenant)
        user = await users.by_resource(tenant, caller.id)
        if user is not None and user.disabled:
            return False
        given = caller.roles - {ACTING_PROXY, NARROW_PROXY}  # these are of the relation
        if user is not None and user.roles and not given <= frozenset(user.roles):
            return False
        if not caller.id.startswith("RelatedPerson/"):
            return True
        return any(
            charge.patient == caller.patient
            and (charge.rights != NARROW or NARROW_PROXY in caller.roles)
            for charge in await charges(tenant, (caller.id,))
        )

    return standing


def _patient(related: Tree) -> str:
    return str(related.get("patient", {}).get("reference", ""))


def _service(tenant: Tenant) -> Caller:
    return Caller(tenant, "client/people", "People", _SCOPES)


async def _read(door: Door, caller: Caller, references: Sequence[str]) -> list[Tree]:
    keys = tuple((type, id) for type, _, id in (one.partition("/") for one in references))
    found = await door.read_many(caller, ReadMany(keys)) if keys else ()
    return [json.loads(whole(version)) for version in found]


def _name(patient: Tree) -> str:
    for name in patient.get("name", ()):
        text = name.get("text") or " ".join([*name.get("given", ()), name.get("family", "")])
        if text.strip():
            return str(text.strip())
    return str(patient["id"])
