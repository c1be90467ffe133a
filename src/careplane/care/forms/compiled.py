"""Forms that are read often: a Questionnaire is parsed once for as long as its bytes stay the same.

What a caller may see of it is in its bytes, so who reads the same reads the same form.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Final

from careplane.care.forms.definition import Form, form
from careplane.fhir.codec import json

_BYTES: Final = 3_000_000
"""Of JSON, of which a parsed form takes some ten times the room."""


@dataclass(slots=True)
class Compiled:
    """The forms that were used last, of so many bytes together. Nobody changes a form."""

    most: int = _BYTES
    _known: OrderedDict[bytes, Form] = field(default_factory=OrderedDict)
    _size: int = 0

    def of(self, raw: bytes) -> Form:
        """The form of a Questionnaire as JSON. Raises Invalid where it is too large."""
        found = self._known.get(raw)
        if found is not None:
            self._known.move_to_end(raw)
            return found
        made = form(json.parse(raw))
        if len(raw) <= self.most:
            self._known[raw] = made
            self._size += len(raw)
        while self._size > self.most:
            oldest, _ = self._known.popitem(last=False)
            self._size -= len(oldest)
        return made
