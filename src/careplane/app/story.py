"""Puts the demo into a store, or moves its story to another day."""

from __future__ import annotations

from collections.abc import Iterable

from careplane.access.caller import Caller
from careplane.app.build import build
from careplane.app.settings import Settings
from careplane.fhir.codec import json
from careplane.records.commands import Process, ReadMany
from careplane.records.door import Door

_STAYS = frozenset({"Communication"})
"""Types of which nothing changes once it was sent."""


async def loaded(settings: Settings, bundles: Iterable[bytes]) -> int:
    """Carry out transactions; how many resources were written."""
    here = build(settings, for_long=True)
    count = 0
    try:
        for raw in bundles:
            left = await _without_what_stays(here.door, here.operator, raw)
            done = await here.door.process(here.operator, Process(left))
            count += len(done.answers)
    finally:
        await here.close()
    return count


async def _without_what_stays(door: Door, operator: Caller, raw: bytes) -> bytes:
    """The Bundle without the messages that are there: they were sent on the day that they were."""
    bundle = json.parse(raw)
    keys = [(str(e["resource"]["resourceType"]), str(e["resource"]["id"])) for e in bundle["entry"]]
    sent = tuple(key for key in keys if key[0] in _STAYS)
    if not sent:
        return raw
    there = {(v.type, v.id) for v in await door.read_many(operator, ReadMany(sent))}
    entries = [e for e, key in zip(bundle["entry"], keys, strict=True) if key not in there]
    return json.dump({**bundle, "entry": entries})
