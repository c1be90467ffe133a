"""The code system of a code that came without one, out of a value set (`inferSystem`)."""

from __future__ import annotations

from dataclasses import replace

from careplane.terminology.coded import Coding
from careplane.terminology.compose import Composed
from careplane.terminology.findings import Finding
from careplane.terminology.membership import Membership
from careplane.terminology.messages import say
from careplane.terminology.scope import Scope
from careplane.terminology.status import value_sets


async def infer(scope: Scope, value_set: Composed, coding: Coding) -> tuple[str, Finding | None]:
    """The one system with which the code is in the value set; else why there is none."""
    systems: dict[str, None] = {}
    for one in value_sets(value_set):
        systems |= dict.fromkeys(part.system for part in one.includes if part.system)
        systems |= dict.fromkeys(c["system"] for c in one.stored or () if c.get("system"))
    membership = Membership(scope)
    found = [
        system
        for system in systems
        if (await membership.of(value_set, replace(coding, system=system))).member
    ]
    if len(found) == 1:
        return found[0], None
    named = value_set.canonical or "(unidentified)"
    where = coding.at("code")
    if not found:
        tried = ", ".join(sorted(systems))
        facts = {"vs": named, "systems": tried}
        return "", say("UNABLE_TO_INFER_CODESYSTEM", where, code=coding.code, **facts)
    id = "Unable_to_resolve_system__value_set_has_multiple_matches"
    facts = {"vs": named, "systems": ", ".join(sorted(found))}
    return "", say(id, where, code=coding.code, **facts)
