"""Which provision decides, within one Consent and among several (docs/consent.md has the rules).

Within one: the deepest provision that applies; of two side by side that both apply, the denial.
Among several of one patient: a denial, unless a permission that is more specific, or as specific
and of a later Consent, stands against it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from msgspec import Struct

from careplane.access.consent.data import Data
from careplane.access.consent.rule import Rule, Said
from careplane.access.consent.terms import COLLECT, Asking
from careplane.access.policy.expressions import negated
from careplane.search.plan import EVERYTHING, Node, Nothing, all_of, any_of


class Leaf(Struct, frozen=True):
    """A provision, and where it is the one that decides. `source` counts the Consents of a patient
    from the oldest; `kinds` is what it and those around it are bound by."""

    permits: bool
    where: Node
    source: int
    kinds: frozenset[str]
    place: str


class Verdict(Struct, frozen=True):
    """Where a patient's Consents deny, and where they permit; nowhere both."""

    denied: Node
    permitted: Node


def applies(rule: Rule, asking: Asking, *, permits: bool) -> bool:
    """Whether a rule is about this asker, whatever the data."""
    return (
        (rule.purposes is None or not rule.purposes.isdisjoint(asking.purposes))
        and (rule.actions is None or not rule.actions.isdisjoint(asking.actions))
        and (
            rule.actors is None
            or asking.id in rule.actors
            or ("actors" in rule.unclear and not permits)
        )
    )


def leaves(said: Sequence[Said], asking: Asking, data: Data, type: str) -> list[Leaf]:
    """Of the Consents of one patient, oldest first."""
    found: list[Leaf] = []
    for source, one in enumerate(said):
        if one.purposes is None or not one.purposes.isdisjoint(asking.purposes):
            found += _Tree(asking, data, type, source).leaves(one.root, ())
    return found


class _Tree:
    def __init__(self, asking: Asking, data: Data, type: str, source: int) -> None:
        self._asking = asking
        self._data = data
        self._type = type
        self._source = source

    def leaves(self, rule: Rule, around: tuple[Rule, ...]) -> list[Leaf]:
        path = (*around, rule)
        below = [leaf for inner in rule.rules for leaf in self.leaves(inner, path)]
        denied = any_of(*(leaf.where for leaf in below if not leaf.permits))
        below = [_without(leaf, denied) if leaf.permits else leaf for leaf in below]
        if rule.permits is not None:
            deeper = any_of(*(leaf.where for leaf in below))
            kinds = frozenset().union(*(one.kinds for one in path))
            here = all_of(self._where(path, rule.permits), negated(deeper))
            below.append(Leaf(rule.permits, here, self._source, kinds, rule.place))
        return [leaf for leaf in below if not isinstance(leaf.where, Nothing)]

    def _where(self, path: tuple[Rule, ...], permits: bool) -> Node:
        """Where a rule with this effect applies: all around it must, too. Whoever brings a record
        is stopped only by a rule that says so: care has to be documented."""
        if COLLECT in self._asking.actions and not any(COLLECT in (r.actions or ()) for r in path):
            return Nothing()
        found: Node = EVERYTHING
        for rule in path:
            if not applies(rule, self._asking, permits=permits):
                return Nothing()
            found = all_of(found, self._data.covered(rule, self._type, permits=permits))
        return found


def verdict(found: Iterable[Leaf]) -> Verdict:
    """What comes of the provisions of one patient together."""
    found = tuple(found)
    permits = [leaf for leaf in found if leaf.permits]
    denied = any_of(
        *(
            _without(leaf, any_of(*(p.where for p in permits if beats(p, leaf)))).where
            for leaf in found
            if not leaf.permits
        )
    )
    permitted = any_of(*(leaf.where for leaf in permits))
    return Verdict(denied, all_of(permitted, negated(denied)))


def beats(permit: Leaf, denial: Leaf) -> bool:
    """Whether a permission of another Consent stands against a denial."""
    if permit.source == denial.source:
        return False
    if permit.kinds == denial.kinds:
        return permit.source > denial.source
    return permit.kinds > denial.kinds


def _without(leaf: Leaf, gone: Node) -> Leaf:
    where = all_of(leaf.where, negated(gone))
    return Leaf(leaf.permits, where, leaf.source, leaf.kinds, leaf.place)
