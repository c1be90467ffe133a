"""Criteria that should name one resource: conditional create, update, delete and references
(FHIR R4, 3.1.0.4.3, 3.1.0.7.1, 3.1.0.8.1).

What was found is written down as a guard, which the unit of work checks again at the last moment:
two clients that create the same thing at once get one resource.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from careplane.access.caller import Caller
from careplane.kernel.errors import Ambiguous, Incorrect
from careplane.records.parts import Parts
from careplane.records.rights import restrict
from careplane.search.parse import criteria as parse_criteria
from careplane.search.plan import Query
from careplane.storage.ports.records import Guard, Key, Version


@dataclass(frozen=True, slots=True)
class Match:
    """The one resource found, or None; and the guard that holds it so."""

    version: Version | None
    guard: Guard


def query_of(parts: Parts, caller: Caller, type: str, criteria: str) -> Query:
    """The search that criteria ask for, unknown parameters refused, at most two looked at."""
    if not criteria:
        raise Incorrect(f"The criteria on {type} are empty; name at least one search parameter.")
    where = parse_criteria(parts.setting(), type, criteria)
    return restrict(parts.decider, caller, Query(frozenset({type}), where, count=2))


async def find_one(
    parts: Parts,
    caller: Caller,
    type: str,
    criteria: str,
    leave_out: Callable[[Key], bool] = lambda key: False,
) -> Match:
    """The one resource that matches, or none; Ambiguous where there are several."""
    query = query_of(parts, caller, type, criteria)
    page = await parts.store.search(caller.tenant, query)
    guard = Guard(query, frozenset((v.type, v.id) for v in page.versions))
    left = [v for v in page.versions if not leave_out((v.type, v.id))]
    if len(left) > 1:
        raise Ambiguous(f"Several resources of type {type} match the criteria; one was meant.")
    return Match(left[0] if left else None, guard)
