"""Where a page ended, kept on this side: the client holds a number that means nothing to it."""

from __future__ import annotations

from collections import OrderedDict
from typing import Generic, TypeVar

from careplane.kernel.errors import Incorrect

T = TypeVar("T")
KEPT = 1000


class Cursors(Generic[T]):
    """The last thousand places; an older one is gone, and its page must be searched anew."""

    def __init__(self) -> None:
        self._places: OrderedDict[str, T] = OrderedDict()
        self._made = 0

    def keep(self, place: T) -> str:
        self._made += 1
        text = f"{self._made:x}"
        self._places[text] = place
        while len(self._places) > KEPT:
            self._places.popitem(last=False)
        return text

    def find(self, text: str) -> T:
        try:
            return self._places[text]
        except KeyError:
            raise Incorrect(
                "This page link is not one of ours, or is too old: search again"
            ) from None
