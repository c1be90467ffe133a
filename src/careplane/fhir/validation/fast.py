"""The fast path: from bytes to a struct that is surely valid, or None for "look closer".

Why the answer can be trusted:

* msgspec refuses what is not JSON, unknown names, wrong kinds, codes that are not listed, ranges,
  empty strings and arrays, absent objects;
* the struct is written again and the quotation marks are counted. A name that stood twice, a null,
  or a number given as a string writes fewer than were read, and nothing that passes writes more:
  an escaped quotation mark, the one exception, sends the bytes to the slow path, as does every
  escape of a control character;
* an empty object, or one with an id alone, shows itself in what was written;
* the compiled post-check looks at the rest, see `program`.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache
from typing import Any

import msgspec

from careplane.fhir.definitions import is_resource
from careplane.fhir.structs import Struct, decoder
from careplane.fhir.validation.program import Check, Program, Root

_START = b'{"resourceType":"'
_HEAD = re.compile(
    rb'[ \t\r\n]*\{[ \t\r\n]*"resourceType"[ \t\r\n]*:[ \t\r\n]*"([A-Za-z]{1,64})"'
).match
# May also match a backslash that is itself escaped: that only costs a closer look.
_RISKY = re.compile(rb"\\(?:u00[01]|u0022|[bf])").search
_HOLLOW = re.compile(rb'\{(?:\}|"id":"(?:[^"\\]|\\.)*"\})').search
_EXTENDED = re.compile(rb'xtension"').search
# Underscores are rarer than quotes: look for them, then look back.
_SIBLING = re.compile(rb'_(?<="_)').search
_encode = msgspec.json.Encoder(decimal_format="number").encode
_NESTED = 4
"""Levels of resources inside of resources; each is decoded anew, so deeper ones go the slow way."""

_MOST_CONTAINED = 50
"""Contained resources; each is searched for in the bytes, so many go the slow, linear way."""

_Decode = Callable[[bytes], Struct]


class _Head(msgspec.Struct):
    resourceType: str  # noqa: N815  the name of FHIR


class _Contained(msgspec.Struct):
    id: str | None = None


_head = msgspec.json.Decoder(_Head)
_contained = msgspec.json.Decoder(_Contained)
_NO_IDS: frozenset[str | None] = frozenset()
_ALONE = Root(_NO_IDS, 0)


def accept(raw: bytes, level: int = 0, ids: frozenset[str | None] | None = None) -> Struct | None:
    """The struct of a resource that is surely valid. `ids` are those that the resource around it
    contains, where it is itself contained."""
    name = type_of(raw)
    if name is None or level > _NESTED:
        return None
    decode, check = _tools(name)
    try:
        struct = decode(raw)
        written = _encode(struct)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return None
    if written != raw and written.count(b'"') != raw.count(b'"'):
        return None
    if _HOLLOW(written):
        return None
    escapes = b"\\" in raw
    if escapes and _RISKY(raw):
        return None
    if escapes or _EXTENDED(raw) or _SIBLING(raw):
        check = _full(name)
    if ids is None:
        ids = _contained_ids(struct, written)
    if ids is None:
        return None
    root = _ALONE if ids is _NO_IDS and level == 0 else Root(ids, level)
    return struct if check(struct, root) else None


def _contained_ids(struct: Any, written: bytes) -> frozenset[str | None] | None:
    """The ids of contained resources; None where one is not surely referred to (dom-3)."""
    contained = getattr(struct, "contained", None)
    if contained is None:
        return _NO_IDS
    try:
        ids = frozenset(_contained.decode(raw).id for raw in contained)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return None
    if len(ids) > _MOST_CONTAINED:
        return None
    # A member of this name and value can only be a Reference: in a text its quotes are escaped.
    referred = all(b'"reference":"#%b"' % str(id).encode() in written for id in ids)
    return ids if referred else None


def prepare(*names: str) -> None:
    """Make the decoders and post-checks of these types now, not with their first resource."""
    for name in names:
        _tools(name)
        _full(name)


def type_of(raw: bytes) -> str | None:
    """The resource type that the bytes claim, if it is one of R4."""
    if raw.startswith(_START):
        name = raw[17 : raw.find(b'"', 17, 100)].decode("latin-1")
        return name if is_resource(name) else None
    found = _HEAD(raw)
    name = found.group(1).decode() if found else _type_further_on(raw)
    return name if is_resource(name) else None


def _type_further_on(raw: bytes) -> str:
    try:
        return _head.decode(raw).resourceType
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return ""


@cache
def _tools(name: str) -> tuple[_Decode, Check]:
    """Decoder and plain post-check of a type, found with one look."""
    return decoder(name).decode, _program(False).check(name)


@cache
def _full(name: str) -> Check:
    """The full post-check: made apart, as it draws in all data types."""
    return _program(True).check(name)


@cache
def _program(full: bool) -> Program:
    return Program(full, _resource, _contained_resource)


def _resource(raw: Any, around: Root) -> bool:
    return accept(bytes(raw), around.level + 1) is not None


def _contained_resource(raw: Any, around: Root) -> bool:
    return accept(bytes(raw), around.level + 1, around.ids) is not None
