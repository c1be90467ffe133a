"""What a caller sees of what the restriction lets them see: masks by type, and whether the whole
is de-identified.

A permit carries the mask of what it opens. Where several apply to a resource, an element is hidden
that all of them hide; which ones apply may hang on the resource, as the restriction does. `bound`
is hidden at most: it is what is hidden of a resource of which that is not asked, and what nobody
may search by.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from careplane.access.masks.paths import NONE, Paths, both
from careplane.search.plan import Everything, Node


@dataclass(frozen=True, slots=True)
class Opening:
    """One permit that may apply: to which resources, and what it hides."""

    where: Node
    hides: Paths


@dataclass(frozen=True, slots=True)
class Mask:
    """The mask of one type: the openings of each action that shows it (read, search)."""

    actions: tuple[tuple[Opening, ...], ...]

    @property
    def bound(self) -> Paths:
        """What is hidden at most."""
        return NONE.union(*map(_bound, self.actions))

    @property
    def asks(self) -> tuple[Node, ...]:
        """What is to be asked of a resource to know its mask; nothing where all have the same."""
        if all(len({o.hides for o in openings}) <= 1 for openings in self.actions):
            return ()
        nodes = (o.where for openings in self.actions for o in openings)
        return tuple(dict.fromkeys(node for node in nodes if not isinstance(node, Everything)))

    def of(self, holds: Iterable[Node]) -> Paths:
        """What is hidden of a resource for which these of `asks` hold."""
        held = frozenset(holds)
        found = NONE
        for openings in self.actions:
            mine = [o.hides for o in openings if isinstance(o.where, Everything) or o.where in held]
            found |= _by_all(mine) if mine else _bound(openings)
        return found


def _by_all(hidden: Sequence[Paths]) -> Paths:
    """What each of them hides."""
    found, *others = hidden
    for other in others:
        found = both(found, other)
    return found


def _bound(openings: tuple[Opening, ...]) -> Paths:
    sure = [o.hides for o in openings if isinstance(o.where, Everything)]
    if sure:
        return _by_all(sure)
    return NONE.union(*(o.hides for o in openings))


@dataclass(frozen=True, eq=False)
class View:
    """The masks of a caller, by type; `study` is not empty where the caller sees records
    de-identified, under the pseudonyms of that study. Two views are never the same."""

    masks: Mapping[str, Mask]
    study: str = ""
    bounds: Mapping[str, Paths] = field(init=False)

    def __post_init__(self) -> None:
        bounds = {type: mask.bound for type, mask in self.masks.items()}
        object.__setattr__(self, "bounds", bounds)

    def bound(self, type: str) -> Paths:
        """What is hidden at most of a type; of `Resource`, of any."""
        if type == "Resource":
            return NONE.union(*self.bounds.values())
        return self.bounds.get(type, NONE)
