"""Where the elements of a resource stand in its JSON."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass

from careplane.web.marked.place import Place

_TOKEN = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*+"|[{}\[\]:,\n]|[^\s"{}\[\]:,]++', re.DOTALL)


@dataclass(slots=True)
class _Object:
    """An object that has begun: its place, and the member that is read."""

    place: Place
    key: str = ""
    line: int = 0
    awaits_key: bool = True
    is_array: bool = False


def json_places(text: str) -> Place:
    """The place of the resource. The text is JSON that can be read."""
    line = 1
    top = Place(1)
    begun: list[_Object | None] = []
    for match in _TOKEN.finditer(text):
        sign = match.group()
        inner = next((one for one in begun[-1:] if one), None)
        holder = inner or next((one for one in reversed(begun) if one), None)
        if sign == "\n":
            line += 1
        elif sign in ("}", "]"):
            if begun.pop() is None and begun and begun[-1]:
                begun[-1].is_array = False
        elif sign in (",", ":"):
            if inner:
                inner.awaits_key = sign == ","
        elif inner and inner.awaits_key:
            inner.key, inner.line = json.loads(sign), line
        elif sign == "[":
            if inner:
                inner.is_array = True
                inner.place.names[inner.key] = line
            begun.append(None)
        else:
            place = _note(holder, line) if holder else top
            if sign == "{":
                place.line = line if holder is None or holder.is_array else place.line
                begun.append(_Object(place))
    return top


def _note(holder: _Object, line: int) -> Place:
    """The place of a value: in an array its own line, else that of its name."""
    place = Place(line if holder.is_array else holder.line)
    holder.place.parts.setdefault(holder.key, []).append(place)
    return place
