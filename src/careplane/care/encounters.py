"""The encounter that something written belongs to."""

from __future__ import annotations

import re

from careplane.access.caller import Caller
from careplane.fhir.codec import json
from careplane.kernel.errors import Incorrect
from careplane.records import commands as c
from careplane.records.bodies import whole
from careplane.records.door import Door

_REFERENCE = re.compile(r"Encounter/([A-Za-z0-9.-]{1,64})")


async def require_of(door: Door, caller: Caller, patient: str, encounter: str) -> None:
    """Raises Incorrect for what is no encounter of this patient, NotFound or Forbidden for one that
    the caller may not read. Empty is none, and right."""
    if not encounter:
        return
    found = _REFERENCE.fullmatch(encounter)
    if found is None:
        raise Incorrect("An encounter is written as Encounter/17.")
    tree = json.parse(whole(await door.read(caller, c.Read("Encounter", found[1]))))
    if tree.get("subject", {}).get("reference") != f"Patient/{patient}":
        raise Incorrect("The encounter is one of another patient.")
