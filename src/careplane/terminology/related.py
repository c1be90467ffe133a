"""ValueSet/$related, of the FHIR terminology ecosystem: how the codes of two value sets stand to
each other. What the definitions say is enough where both list codes, or name whole code systems;
else both are expanded."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass, replace
from hashlib import sha256

from careplane.fhir.tree import Tree
from careplane.terminology.compose import Composed, Part, compose
from careplane.terminology.gather import MOST, gather
from careplane.terminology.scope import Scope

_SAYS = {
    "same": "The value sets {this} and {other} contain the same codes",
    "superset": "The valueSet {this} is a super-set of the valueSet {other}",
    "subset": "The valueSet {this} is a sub-set of the valueSet {other}",
    "disjoint": "No shared codes between the value sets {this} and {other}",
    "overlapping": "Both value sets {this} and {other} contain the codes the other doesn't, but "
    "there is some overlap",
    "empty": "Both the value sets {this} and {other} are empty",
}


@dataclass(frozen=True, slots=True)
class _Relation:
    """`this` and `other` are the codes of each, where they were looked at."""

    result: str
    expanded: bool
    this: frozenset[tuple[str, str]] | None = None
    other: frozenset[tuple[str, str]] | None = None


async def related(scope: Scope, this: Tree, other: Tree) -> Tree:
    """The Parameters. Raises as `expand` does, where the value sets have to be expanded."""
    a, b = await compose(scope, this), await compose(scope, other)
    found = None if _list_only(a, b) else _by_definition(a, b)
    found = found or await _by_codes(scope, a, b)
    said = _SAYS[found.result].format(this=_named(a), other=_named(b))
    answer: list[Tree] = [
        {"name": "result", "valueCode": found.result},
        {"name": "message", "valueString": said},
        {"name": "performed-expansion", "valueBoolean": found.expanded},
    ]
    if scope.options.diagnostics and found.this is not None and found.other is not None:
        for name, codes in (
            ("common-codes", found.this & found.other),
            ("missing-codes", found.this - found.other),
            ("extra-codes", found.other - found.this),
        ):
            if codes:
                listed = ",".join(sorted({code for _, code in codes}))
                answer.append({"name": name, "valueString": listed})
    return {"resourceType": "Parameters", "parameter": answer}


def _named(value_set: Composed) -> str:
    return value_set.canonical or "(unidentified)"


def _by_definition(a: Composed, b: Composed) -> _Relation | None:
    """What the definitions say by themselves; None where they do not."""
    if a.stored is not None or b.stored is not None:
        return None
    plain = not a.excludes and not b.excludes and a.active_only == b.active_only
    parts = (*a.includes, *b.includes)
    if _Shapes().of(a) == _Shapes().of(b):
        return _Relation("same", False)
    if plain and all(_is_whole(part) for part in parts):
        systems = [frozenset(map(_place, one.includes)) for one in (a, b)]
        return _Relation(_compared(*systems), False)
    return None


async def _by_codes(scope: Scope, a: Composed, b: Composed) -> _Relation:
    scope.options = replace(scope.options, count=MOST, offset=0, filter="")
    this, other = [
        frozenset((m.system, m.concept.code) for m in (await gather(scope, one)).members)
        for one in (a, b)
    ]
    result = _compared(this, other)
    if _list_only(a, b):
        return _Relation(result, False, this, other)
    return _Relation(result, True) if result == "same" else _Relation(result, True, this, other)


def _compared(this: frozenset[Hashable], other: frozenset[Hashable]) -> str:
    if this == other:
        return "same" if this else "empty"
    if this > other:
        return "superset"
    if this < other:
        return "subset"
    return "overlapping" if this & other else "disjoint"


def _list_only(*value_sets: Composed) -> bool:
    """Whether they do no more than list codes: nothing has to be expanded to see them."""
    return all(
        one.stored is None
        and not one.excludes
        and all(part.listed is not None and not part.sets for part in one.includes)
        for one in value_sets
    )


def _is_whole(part: Part) -> bool:
    return part.listed is None and not part.filters and not part.sets


def _place(part: Part) -> Hashable:
    return (part.system, "" if part.wanted is None else part.wanted.version)


class _Shapes:
    """What definitions say, whatever their order; each value set is looked at once."""

    def __init__(self) -> None:
        self._known: dict[int, Hashable] = {}

    def of(self, value_set: Composed) -> Hashable:
        """Equal for two value sets that say the same."""
        key = id(value_set)
        if key not in self._known:
            said = [
                sorted(repr(self._part(part)) for part in parts)
                for parts in (value_set.includes, value_set.excludes)
            ]
            plain = value_set.stored is None
            text = repr((said, value_set.active_only)) if plain else str(key)
            self._known[key] = sha256(text.encode()).hexdigest()
        return self._known[key]

    def _part(self, part: Part) -> Hashable:
        listed = None if part.listed is None else tuple(sorted(part.listed))
        filters = tuple(sorted(map(repr, part.filters)))
        return (_place(part), listed, filters, tuple(sorted(map(str, map(self.of, part.sets)))))
