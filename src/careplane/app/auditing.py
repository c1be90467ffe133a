"""The audit trail, wired from the settings."""

from __future__ import annotations

import re
import socket
from collections.abc import Callable
from dataclasses import dataclass
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from careplane.access.caller import Caller
from careplane.access.decide import Decider
from careplane.access.scopes import Permission
from careplane.app.background import Service
from careplane.app.settings import Settings
from careplane.app.tenancy.each import Each
from careplane.app.tenancy.wiring import Tenancy
from careplane.fhir.tree import Tree
from careplane.interop.syslog.service import Receiver, Sending
from careplane.interop.syslog.stream import context
from careplane.kernel.clock import Clock
from careplane.kernel.errors import Incorrect
from careplane.ledger.trail import Trail
from careplane.records.audits.anomalies.looking import Looking
from careplane.records.audits.anomalies.material import Limits
from careplane.records.audits.anomalies.review import Reviews
from careplane.records.audits.keeping import Following, Forgetting, require_enough
from careplane.records.door import Door
from careplane.rest.interactions.capabilities import More
from careplane.search.plan import Everything
from careplane.storage.ports.records import Tenant
from careplane.storage.ports.state import StateStore

NOBODY = Tenant(0)
"""Whose trail the requests are in that came without a good credential."""
_DOCUMENTED = (
    "The audit trail, rendered on read (IHE BALP), and what clients store. Events whose id begins "
    "with trail- are read and searched, and written by nobody; histories of the type and searches "
    "over several types have the stored ones."
)
_HOURS = re.compile(r"\s*([A-Za-z0-9_-]{1,64})=([0-9]{1,2})-([0-9]{1,2})\s*", re.ASCII)
_RECEIVER = re.compile(r"([A-Za-z0-9._-]{1,255}|\[[0-9A-Fa-f:.]{2,45}\]):([0-9]{1,5})", re.ASCII)


@dataclass(frozen=True, slots=True)
class Auditing:
    """The trail, who looks for anomalies in a tenant's, what became of these, and what runs beside
    the requests: the index follows the trail; where the settings say so, old records go, and
    records are sent to a receiver."""

    trail: Trail
    looking: Callable[[Tenant], Looking]
    reviews: Callable[[Tenant], Reviews]
    services: tuple[Service, ...]


def auditing(
    settings: Settings, trail: Trail, door: Door, state: StateStore, tenants: Tenancy, clock: Clock
) -> Auditing:
    """Raises Incorrect for settings that cannot be used."""
    years, measures = settings.audit_retention_years, limits(settings)
    services: list[Service] = [Following(trail)]
    if years:
        require_enough(years)
        services.append(
            Each(
                tenants.known.all,
                lambda one: Forgetting(trail, door, one.tenant, years, clock)(),
            )
        )
    if settings.audit_syslog:
        services.append(
            Sending(trail, state, lambda: (NOBODY, *tenants.numbers()), receiver(settings))
        )
    return Auditing(
        trail,
        lambda tenant: Looking(trail, door, tenant, measures),
        lambda tenant: Reviews(state, tenant, clock),
        tuple(services),
    )


def sees_all(decider: Decider, caller: Caller, permission: Permission) -> bool:
    """Whether scopes and policies let a caller do so with every AuditEvent."""
    return isinstance(decider.restriction(caller, permission, "AuditEvent"), Everything)


def documented(more: More) -> More:
    """What a CapabilityStatement says besides, of AuditEvent."""
    said: Tree = {"documentation": _DOCUMENTED}
    return lambda tenant, base: {**more(tenant, base), "AuditEvent": said}


def receiver(settings: Settings) -> Receiver:
    """Who gets the trail. Raises Incorrect."""
    found = _RECEIVER.fullmatch(settings.audit_syslog)
    if found is None or not 0 < int(found[2]) < 65536:
        raise Incorrect("CAREPLANE_AUDIT_SYSLOG is written as host:port, siem.example.org:6514.")
    try:
        secured = context(settings.audit_syslog_ca, settings.audit_syslog_certificate)
    except OSError as error:
        raise Incorrect(
            "A file of CAREPLANE_AUDIT_SYSLOG_CA or CAREPLANE_AUDIT_SYSLOG_CERTIFICATE cannot be "
            "read as PEM."
        ) from error
    host = found[1].strip("[]")
    return Receiver(host, int(found[2]), secured, settings.audit_syslog_form, socket.gethostname())


def limits(settings: Settings) -> Limits:
    """What anomalies are measured by. Raises Incorrect."""
    hours: dict[str, tuple[int, int]] = {}
    for rule in filter(str.strip, settings.audit_hours.split(",")):
        found = _HOURS.fullmatch(rule)
        if found is None or int(found[2]) > 24 or int(found[3]) > 24:
            raise Incorrect("CAREPLANE_AUDIT_HOURS is written as front-desk=7-19,nurse=0-24.")
        hours[found[1]] = (int(found[2]), int(found[3]))
    try:
        zone = ZoneInfo(settings.audit_timezone)
    except (ZoneInfoNotFoundError, ValueError):
        raise Incorrect("CAREPLANE_AUDIT_TIMEZONE is a name such as Europe/Berlin.") from None
    return Limits(zone=zone, hours=hours)
