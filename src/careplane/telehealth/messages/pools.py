"""Pools: who answers what patients write (decision 0081).

A pool is a HealthcareService whose `type` names a topic; its people are those with a
PractitionerRole there that is not inactive. `notAvailable` of either says when nobody is there.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from careplane.access.caller import Caller, acts_as_patient
from careplane.access.scopes import parse_scopes
from careplane.fhir.codec import json
from careplane.fhir.moment import interval
from careplane.fhir.tree import Tree
from careplane.kernel.clock import Clock
from careplane.records import commands as c
from careplane.records.bodies import whole
from careplane.records.door import Door
from careplane.storage.ports.records import Tenant
from careplane.telehealth.messages import names
from careplane.telehealth.messages.parties import Asker, Party, asker, parties, party

_SCOPES = parse_scopes(
    "system/HealthcareService.rs system/PractitionerRole.rs system/Patient.r system/CareTeam.s"
)
_MOST = "100"
_ELSEWHERE = "other"


@dataclass(frozen=True, slots=True)
class Pool:
    """A pool; `away` is what is said while nobody is there."""

    party: Party
    topics: frozenset[str] = frozenset()
    away: str = ""


@dataclass(frozen=True, slots=True)
class Member:
    """Somebody of a pool."""

    party: Party
    away: str = ""


@dataclass(frozen=True, slots=True)
class Pools:
    """Over one door. Looks as the house: all may know what pools there are, and who is in one."""

    door: Door
    clock: Clock

    async def asker(self, caller: Caller) -> Asker:
        """Who asks, with the pools that are theirs."""
        if acts_as_patient(caller) or not caller.id.startswith("Practitioner/"):
            return asker(caller)
        roles = [one for one in await self._roles(caller.tenant, caller.id) if _stands(one)]
        named = [
            party(reference)
            for role in roles
            for reference in (*role.get("healthcareService", ()), role.get("organization"))
            if reference
        ]
        teams = await self._found(
            caller.tenant, "CareTeam", ("participant", caller.id), ("status", "active")
        )
        named += [Party(f"CareTeam/{one['id']}", str(one.get("name", ""))) for one in teams]
        ids = (f"PractitionerRole/{one['id']}" for one in roles)
        return asker(caller, tuple(dict.fromkeys(named)), ids)

    async def all(self, tenant: Tenant) -> tuple[Pool, ...]:
        """All that answer something."""
        topics = ",".join(f"{names.TOPIC}|{code}" for code in names.TOPICS)
        found = await self._found(tenant, "HealthcareService", ("service-type", topics))
        return tuple(self._pool(one) for one in found if one.get("active", True))

    async def route(self, tenant: Tenant, topic: str, patient: str) -> Pool | None:
        """The pool for a topic: of those that name it the one of the patient's organisation, else
        the first; else one for whatever is left over, else any. None where there is none."""
        pools = sorted(await self.all(tenant), key=lambda pool: pool.party.reference)
        found = [pool for pool in pools if topic in pool.topics]
        found = found or [pool for pool in pools if _ELSEWHERE in pool.topics] or pools
        if len(found) > 1:
            near = await self._near(tenant, found, patient)
            return near or found[0]
        return found[0] if found else None

    async def members(self, tenant: Tenant, pool: str) -> tuple[Member, ...]:
        """The people of a pool, by name."""
        type = pool.partition("/")[0]
        param = {"HealthcareService": "service", "Organization": "organization"}.get(type)
        if param is None:
            return ()
        roles = await self._found(tenant, "PractitionerRole", (param, pool))
        found = {
            one["practitioner"]["reference"]: Member(party(one["practitioner"]), self._away(one))
            for one in roles
            if _stands(one) and "reference" in one.get("practitioner", {})
        }
        return tuple(sorted(found.values(), key=lambda member: member.party.name))

    async def away(self, tenant: Tenant, who: Iterable[Party]) -> list[str]:
        """What is said of those who are not there now."""
        said: list[str] = []
        for one in who:
            if one.type == "HealthcareService":
                said += [pool.away for pool in await self.all(tenant) if pool.party == one]
            elif one.type == "Practitioner":
                said += [self._away(role) for role in await self._roles(tenant, one.reference)]
        return [text for text in dict.fromkeys(said) if text]

    def _pool(self, tree: Tree) -> Pool:
        codes = frozenset(
            str(coding.get("code", ""))
            for one in tree.get("type", ())
            for coding in one.get("coding", ())
            if coding.get("system") == names.TOPIC
        )
        name = Party(f"HealthcareService/{tree['id']}", str(tree.get("name", "")))
        return Pool(name, codes, self._away(tree))

    def _away(self, tree: Tree) -> str:
        """The first absence that goes on now: its description, or until when."""
        now = self.clock()
        for one in tree.get("notAvailable", ()):
            during = one.get("during", {})
            start, end = during.get("start"), during.get("end")
            begun = start is None or interval(str(start))[0] <= now
            if begun and (end is None or now < interval(str(end))[1]):
                return str(one.get("description", "")) or str(end or "")
        return ""

    async def _near(self, tenant: Tenant, pools: list[Pool], patient: str) -> Pool | None:
        if not patient.startswith("Patient/"):
            return None
        caller = self._service(tenant)
        version = await self.door.read(caller, c.Read("Patient", patient.partition("/")[2]))
        mine = parties([json.parse(whole(version)).get("managingOrganization", {})])[0].reference
        if not mine:
            return None
        of_mine = {
            f"HealthcareService/{one['id']}"
            for one in await self._found(tenant, "HealthcareService", ("organization", mine))
        }
        return next((pool for pool in pools if pool.party.reference in of_mine), None)

    async def _roles(self, tenant: Tenant, practitioner: str) -> list[Tree]:
        return await self._found(tenant, "PractitionerRole", ("practitioner", practitioner))

    async def _found(self, tenant: Tenant, type: str, *pairs: tuple[str, str]) -> list[Tree]:
        command = c.Search(type, (*pairs, ("_count", _MOST)))
        found = await self.door.search(self._service(tenant), command)
        return [json.parse(whole(version)) for version in found.matches]

    def _service(self, tenant: Tenant) -> Caller:
        return Caller(tenant, "service/messages", "Messages", _SCOPES)


def _stands(role: Tree) -> bool:
    return bool(role.get("active", True))
