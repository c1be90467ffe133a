"""Trims histories by policy: superseded versions go when they are too many, or too old.

A current version never goes, nor does a deletion that is current. The log is gone through in small
steps, each with its audit record, from where the last one ended; then it rests for a while.

policy = rule *("," rule)
rule   = ( type | "*" ) "=" number ( "v" | "d" )      `Observation=5v,*=365d`
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping, Sequence

import msgspec
from msgspec import Struct

from careplane.access.caller import Caller
from careplane.fhir.definitions import is_resource
from careplane.kernel.errors import Incorrect, Stale
from careplane.records.account import Account
from careplane.records.parts import Parts
from careplane.storage.ports.records import DEFINING, Erasure, Key, Superseded, Tenant, Version
from careplane.storage.ports.state import StateStore

_RULE = re.compile(r"\s*(\*|[A-Z][A-Za-z]+)=(\d{1,6})([vd])\s*", re.ASCII)
_DAY = 86_400_000_000
_STEP = 200
_BETWEEN_SECONDS = 0.2
_REST_SECONDS = 3600.0
_SPACE, _KEY = "retention", "place"


class Keep(Struct, frozen=True):
    """How many superseded versions are kept, or for how many days after they were superseded."""

    versions: int | None = None
    days: int | None = None


Policy = Mapping[str, Keep]
"""By type; `*` for all others."""


def parse_policy(text: str) -> Policy:
    """The policy that a setting writes; empty for none. Raises Incorrect."""
    found: dict[str, Keep] = {}
    for rule in filter(str.strip, text.split(",")):
        read = _RULE.fullmatch(rule)
        if read is None or not (read[1] == "*" or is_resource(read[1])) or read[1] in found:
            raise Incorrect(
                "A retention policy is written as Observation=5v,*=365d: of each type (or *) how "
                "many superseded versions (v) are kept, or for how many days (d)."
            )
        number = int(read[2])
        found[read[1]] = Keep(versions=number) if read[3] == "v" else Keep(days=number)
    return found


class Retention:
    """The service of one tenant."""

    def __init__(self, parts: Parts, state: StateStore, tenant: Tenant, policy: Policy) -> None:
        self._parts = parts
        self._state = state
        self._policy = policy
        self._caller = Caller(tenant, "service/retention", "Retention", frozenset())

    async def __call__(self) -> None:
        """For ever: through the log, a rest, and again."""
        while True:
            while await self.step():
                await asyncio.sleep(_BETWEEN_SECONDS)
            await asyncio.sleep(_REST_SECONDS)

    async def step(self) -> bool:
        """Look at the next versions of the log; False at its end, from where it begins anew."""
        tenant = self._caller.tenant
        versions = await self._parts.store.changes(tenant, await self._place(), _STEP)
        gone = await self._superfluous([v for v in versions if self._rule(v.type)])
        if gone:
            account = Account(self._caller, "retention")
            account.versions = [(one.type, one.id, one.version) for one in gone]
            erasure = Erasure((), tuple(gone), account.success(self._parts.clock))
            await self._parts.forget(tenant, account.versions)
            try:
                await self._parts.store.erase(tenant, erasure)
            except Stale:
                return True  # somebody else has been here: look again
        await self._note(versions[-1].t if versions else 0)
        return bool(versions)

    def _rule(self, type: str) -> Keep | None:
        return self._policy.get(type) or self._policy.get("*")

    async def _superfluous(self, versions: Sequence[Version]) -> list[Superseded]:
        keys: list[Key] = list(dict.fromkeys((v.type, v.id) for v in versions))
        found = await self._parts.store.read_many(self._caller.tenant, keys)
        current = {key: v.version for key, v in zip(keys, found, strict=True) if v}
        gone: list[Superseded] = []
        for version in versions:
            now = current.get((version.type, version.id), 0)
            if version.type == DEFINING:
                continue  # from these follows which index rows there are
            if version.version < now and await self._goes(version, now):
                gone.append(Superseded(version.type, version.id, version.version))
        return gone

    async def _goes(self, version: Version, now: int) -> bool:
        rule = self._rule(version.type)
        assert rule is not None
        if rule.versions is not None:
            return now - version.version > rule.versions
        assert rule.days is not None
        limit = self._parts.clock() - rule.days * _DAY
        if version.last_updated > limit:
            return False
        tenant = self._caller.tenant
        after = await self._parts.store.vread(tenant, version.type, version.id, version.version + 1)
        return after is None or after.last_updated <= limit

    async def _place(self) -> int:
        entry = await self._state.get(self._caller.tenant, _SPACE, _KEY)
        return msgspec.msgpack.decode(entry.value, type=int) if entry else 0

    async def _note(self, t: int) -> None:
        value = msgspec.msgpack.encode(t)
        await self._state.put(self._caller.tenant, _SPACE, _KEY, value)
