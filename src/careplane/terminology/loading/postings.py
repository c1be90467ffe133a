"""Postings as they grow while concepts go by in order; handed over in parts, so that memory holds
some of them at a time."""

from __future__ import annotations

from array import array

from careplane.storage.ports.terminology import Posting
from careplane.terminology.stored.layout import packed

_MOST_NAMES = 250_000
_MOST_PLACES = 4_000_000


class Postings:
    """Those of one code system."""

    def __init__(self) -> None:
        self._places: dict[str, array[int]] = {}
        self._held = 0
        self._part = 0

    def add(self, name: str, place: int) -> None:
        """Places come in ascending order; the same one may come again."""
        places = self._places.get(name)
        if places is None:
            self._places[name] = array("I", (place,))
        elif places[-1] != place:
            places.append(place)
        self._held += 1

    @property
    def is_full(self) -> bool:
        """Whether there are as many as memory should hold."""
        return len(self._places) > _MOST_NAMES or self._held > _MOST_PLACES

    def taken(self) -> list[Posting]:
        """What there is, by name; it is forgotten here."""
        part = self._part
        found = [Posting(name, part, packed(self._places[name])) for name in sorted(self._places)]
        self._places.clear()
        self._held, self._part = 0, part + 1
        return found
