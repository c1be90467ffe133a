"""How a code system lies in a store (`storage.ports.terminology`).

Concepts stand in the order of a walk through the hierarchy, each behind a parent, so that what is
below a concept is a few runs of places: one run where everything below has that one way up, a run
more for what is below it by another way. That makes `is-a` one look at a short list, in a hierarchy
of any depth and with any number of parents (a tree cover in the sense of Agrawal, Borgida and
Jagadish, 1989).

Everything else that a concept can be chosen by is a posting: a name, and the places it is true of.
"""

from __future__ import annotations

from array import array
from bisect import bisect_right
from collections.abc import Iterator
from decimal import Decimal

import msgspec
from msgspec import Struct, field

from careplane.fhir.tree import Tree
from careplane.terminology.concepts import Concept, Designation, Property, Value

SEPARATOR = "\x1f"
"""Between the parts of a posting's name; no code has it."""
INACTIVE = "inactive"
WORD = f"w{SEPARATOR}"
"""And a word of the display or of a designation, as `words` makes it."""
MEMBER = f"m{SEPARATOR}"
"""And the code of a reference set: what is in it."""
_VALUE, _ANY, _LONG = f"v{SEPARATOR}", f"a{SEPARATOR}", f"l{SEPARATOR}"
MOST_LETTERS = 64
"""Of a word that is looked for."""
_LONGEST = 200
"""Characters of a value that has a posting of its own."""
TYPES = ("code", "string", "Coding", "integer", "boolean", "dateTime", "decimal")


class Head(Struct, frozen=True):
    """What is said of a code system as a whole. `header` is the resource without its concepts, as
    JSON; `uses` are the uses of designations and `names` the codes of properties, to which bodies
    refer by number; `sets` are the codes of its reference sets."""

    header: bytes
    uses: list[Tree]
    names: list[str]
    sets: list[str]


class Links(Struct, frozen=True, array_like=True):
    """Places beside a concept, packed: its parents, its children, and the runs below it, each from
    and up to before."""

    parents: bytes = b""
    children: bytes = b""
    runs: bytes = b""


class Said(Struct, frozen=True, array_like=True):
    """A property. `group` binds those of one relationship group of SNOMED CT; 0 for none."""

    name: int
    type: int
    value: str | bool | int | Tree
    group: int = 0


class Body(Struct, array_like=True, omit_defaults=True):
    """A concept. Designations are `(number of the use or -1, language, value)`."""

    code: str
    display: str = ""
    definition: str = ""
    designations: list[tuple[int, str, str]] = field(default_factory=list)
    properties: list[Said] = field(default_factory=list)
    parents: list[str] = field(default_factory=list)
    inactive: bool = False
    abstract: bool = False
    status: str = ""
    extension: list[Tree] = field(default_factory=list)


encode = msgspec.msgpack.Encoder().encode
_body = msgspec.msgpack.Decoder(Body)
_links = msgspec.msgpack.Decoder(Links)


def concept(raw: bytes, head: Head) -> Concept:
    """A concept as terminology has it."""
    return concept_of(_body.decode(raw), head)


def concept_of(body: Body, head: Head) -> Concept:
    """The same, of what is decoded already."""
    return Concept(
        body.code,
        body.display,
        body.definition,
        tuple(
            Designation(value, language, head.uses[use] if use >= 0 else None)
            for use, language, value in body.designations
        ),
        tuple(
            Property(head.names[said.name], TYPES[said.type], _value(said))
            for said in body.properties
        ),
        tuple(body.parents),
        body.inactive,
        body.abstract,
        body.status,
        tuple(body.extension),
    )


def body(raw: bytes) -> Body:
    """A concept as it is kept."""
    return _body.decode(raw)


def names(body: Body) -> Iterator[str]:
    """The display and the designations."""
    yield body.display
    for _, _, name in body.designations:
        yield name


def links(raw: bytes) -> Links:
    """What a concept stands beside."""
    return _links.decode(raw)


def packed(places: array[int]) -> bytes:
    """Places as they are kept: four bytes each, the lowest first."""
    return places.tobytes() if _LITTLE else _swapped(places).tobytes()


def unpacked(raw: bytes) -> array[int]:
    """The places again."""
    places = array("I", raw)
    return places if _LITTLE else _swapped(places)


def within(place: int, runs: array[int]) -> bool:
    """Whether a place is in one of the runs, which are in order and do not touch."""
    return bool(bisect_right(runs, place) & 1)


def key(code: str, *, case_sensitive: bool) -> str:
    """What a concept is found by."""
    return code if case_sensitive else code.casefold()


def with_value(name: str, value: str) -> str:
    """The posting of what has a property with this value."""
    return f"{_VALUE}{name}{SEPARATOR}{value}"


def values_of(name: str) -> str:
    """What the postings of a property's values begin with."""
    return f"{_VALUE}{name}{SEPARATOR}"


def with_any(name: str) -> str:
    """The posting of what has a property at all."""
    return f"{_ANY}{name}"


def with_long(name: str) -> str:
    """The posting of what has a value of a property that is too long for one of its own."""
    return f"{_LONG}{name}"


def is_short(text: str) -> bool:
    """Whether a value has a posting of its own."""
    return len(text) <= _LONGEST and SEPARATOR not in text


def texts(value: Value) -> list[str]:
    """What a value may be called in a filter (4.9.5): a Coding by its code, and with its system."""
    if isinstance(value, dict):
        code, system = str(value.get("code", "")), str(value.get("system", ""))
        return [code, f"{system}|{code}"]
    if isinstance(value, bool):
        return ["true" if value else "false"]
    return [str(value)]


def _value(said: Said) -> Value:
    value = said.value
    return Decimal(value) if TYPES[said.type] == "decimal" and isinstance(value, str) else value


def _swapped(places: array[int]) -> array[int]:
    other = array("I", places)
    other.byteswap()
    return other


_LITTLE = array("I", [1]).tobytes() == b"\1\0\0\0"
