"""All codes of a value set, or along a hierarchy, and nothing else of them: for searches.

As many as there are, up to a bound; what is in the store is not read concept by concept.
"""

from __future__ import annotations

from collections.abc import Sequence

from careplane.fhir.tree import Tree
from careplane.kernel.errors import TooLarge
from careplane.terminology.compose import Composed, Part, compose
from careplane.terminology.concepts import Concepts, Filter, Selection
from careplane.terminology.gather import MOST as MOST_GATHERED
from careplane.terminology.gather import gather
from careplane.terminology.options import Options
from careplane.terminology.scope import Scope
from careplane.terminology.stored.concepts import StoredConcepts

MOST = 1_000_000
_PAGE = 50_000
Pair = tuple[str, str]
"""System and code."""


async def all_codes(scope: Scope, value_set: Tree) -> list[Pair] | None:
    """The codes of a value set; None where some code system is not here, or not in full. Raises
    Missing, Refusal, TooLarge."""
    composed = await compose(scope, value_set)
    if not _is_plain(composed):
        wide = Scope(scope.library, Options(count=MOST_GATHERED))
        gathered = await gather(wide, await compose(wide, value_set))
        if gathered.total is not None and gathered.total > MOST_GATHERED:
            raise _too_many()
        return [(member.system, member.concept.code) for member in gathered.members]
    found: list[Pair] = []
    for part in composed.includes:
        some = await _of_part(scope, part, active_only=composed.active_only)
        if some is None:
            return None
        found += some
        if len(found) > MOST:
            raise _too_many()
    return found


async def codes_along(scope: Scope, system: str, code: str, *, below: bool) -> list[Pair] | None:
    """A code with all that it subsumes, or all that subsume it; None where the code system is not
    here. A code that is not in it stands for itself."""
    concepts = await scope.chosen(system)
    if concepts is None:
        return None
    if not below:
        return [(system, code), *((system, one) for one in await concepts.ancestors(code))]
    found = await _selected(concepts, Selection((Filter("concept", "is-a", code),)))
    return [(system, one) for one in dict.fromkeys((code, *found))]


def _is_plain(composed: Composed) -> bool:
    """Whether it is one include after the other."""
    return (
        composed.stored is None
        and not composed.excludes
        and not any(part.sets or part.wanted is None for part in composed.includes)
    )


async def _of_part(scope: Scope, part: Part, *, active_only: bool) -> list[Pair] | None:
    assert part.wanted is not None
    if part.listed is not None and not active_only:
        return [(part.system, code) for code in part.listed]  # its code system need not be here
    concepts = await scope.chosen(part.system, part.wanted.version)
    if concepts is None or concepts.about.content != "complete":
        return None
    if part.listed is not None:
        there = await concepts.many(list(part.listed))
        return [(part.system, c.code) for c in there.values() if not c.inactive]
    selection = Selection(part.filters, active_only=active_only)
    return [(part.system, code) for code in await _selected(concepts, selection)]


async def _selected(concepts: Concepts, selection: Selection) -> Sequence[str]:
    if isinstance(concepts, StoredConcepts):
        found = await concepts.codes(selection, limit=MOST + 1)
    else:
        found, after = [], ""
        while len(found) <= MOST:
            some = await concepts.select(selection, after=after, limit=_PAGE)
            found += [concept.code for concept in some]
            if len(some) < _PAGE:
                break
            after = some[-1].code
    if len(found) > MOST:
        raise _too_many()
    return found


def _too_many() -> TooLarge:
    return TooLarge(f"The value set has more codes than a search can take, {MOST:,}.")
