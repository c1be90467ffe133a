"""Which search parameters the SearchParameter resources of a tenant have defined, and since when.

Fed with every version in the order of commit, it tells the parameters that are there now with the
`t` from which on writes have made their rows, and those that have ended with the `t` from which on
writes have made none. Values in, values out.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from careplane.search.custom import Custom
from careplane.search.rows import Param


@dataclass(slots=True)
class Timeline:
    """`seen`: the `t` of the last version. `held`: by id of a SearchParameter, what it defines."""

    seen: int = 0
    held: dict[str, tuple[Custom, ...]] = field(default_factory=dict)
    active: dict[Param, tuple[Custom, int]] = field(default_factory=dict)
    ended: dict[Param, tuple[Custom, int]] = field(default_factory=dict)

    def hear(self, t: int, id: str, defined: tuple[Custom, ...]) -> None:
        """The next version of a SearchParameter, and what it defines."""
        self.seen = t
        before = self.held.pop(id, ())
        if defined:
            self.held[id] = defined
        if before or defined:
            self._settle(t)

    def owner(self, base: str, code: str) -> str | None:
        """The id of the SearchParameter that defines this code."""
        for id, defined in self.held.items():
            if any((custom.base, custom.code) == (base, code) for custom in defined):
                return id
        return None

    def _settle(self, t: int) -> None:
        """Of two with one code the first wins; writing the second is refused, but a resource may
        be older than that rule."""
        chosen: dict[tuple[str, str], Custom] = {}
        for defined in self.held.values():
            for custom in defined:
                chosen.setdefault((custom.base, custom.code), custom)
        now = {custom.param: custom for custom in chosen.values()}
        for param in [param for param in self.active if param not in now]:
            custom, _ = self.active.pop(param)
            self.ended[param] = (custom, t)
        for param, custom in now.items():
            if param not in self.active:
                self.ended.pop(param, None)
                self.active[param] = (custom, t)
