"""`$diff`: what changed between two versions, or is different in two resources, as a FHIRPath
Patch."""

from __future__ import annotations

from careplane.fhir.codec import json
from careplane.fhir.patch.diff import difference
from careplane.fhir.tree import Tree
from careplane.kernel.errors import Incorrect, NotFound
from careplane.records import commands as c
from careplane.records.account import Account
from careplane.records.bodies import whole
from careplane.records.parts import Parts
from careplane.records.read import read, vread
from careplane.records.results import Version


async def diff(parts: Parts, account: Account, command: c.Diff) -> Tree:
    """A Parameters resource that, applied as a patch to the first, makes the second of it."""
    new = await _read(parts, account, command.to)
    before = command.before
    if before is None:
        if new.version < 2:
            raise NotFound("There is no version before the first one.")
        before = (new.type, new.id, new.version - 1)
    old = await _read(parts, account, before)
    account.query = f"$diff?from={_shown(old)}&to={_shown(new)}"
    if old.type != new.type:
        raise Incorrect("Only resources of the same type can be compared.")
    without = frozenset() if command.with_meta else frozenset({"meta"})
    return difference(json.parse(whole(old)), json.parse(whole(new)), without)


async def _read(parts: Parts, account: Account, place: c.Place) -> Version:
    type, id, version = place
    if version is None:
        return await read(parts, account, c.Read(type, id))
    return await vread(parts, account, c.Vread(type, id, version))


def _shown(version: Version) -> str:
    return f"{version.type}/{version.id}/_history/{version.version}"
