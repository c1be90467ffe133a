"""The rows of full-text search: a resource's narrative, and all other text that it has.

Text is what is of type string or markdown, the narratives of sections and of resources inside, and
attachments (Attachment, Binary) of a content type `text/*` that are in the resource. Codes, dates,
addresses, ids, literal references and UUIDs are no text.
"""

from __future__ import annotations

import re
from base64 import b64decode
from collections.abc import Callable, Iterator
from functools import cache
from operator import attrgetter
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin, get_type_hints

import msgspec

from careplane.fhir.structs import Struct, decoder, head, struct
from careplane.search.extract import extract
from careplane.search.narrative import plain
from careplane.search.rows import NARRATIVE, OTHER, Rows, WordsRow
from careplane.search.words import MAX_TEXT, joined, words

_UUID = re.compile(r"(?:urn:uuid:)?[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}").fullmatch
_MARKED_UP = frozenset({"text/html", "text/xml"})
_CHARSET = re.compile(r"charset\s*=\s*\"?([\w.:-]+)", re.IGNORECASE)
_NO_TEXT = frozenset({("Element", "id"), ("Reference", "reference")})


def extract_with_words(resource: Struct) -> Rows:
    """As `extract`, with the rows of full-text search besides: one of each, even if empty, since
    they replace what was there before."""
    rows = extract(resource)
    div = getattr(getattr(resource, "text", None), "div", None)
    narrative = words(plain(div)) if div else ""
    others = [words(one) for one in dict.fromkeys(_strings(resource, root=True))]
    rows.words = [WordsRow(NARRATIVE, joined([narrative])), WordsRow(OTHER, joined(others))]
    return rows


def _strings(value: Struct, *, root: bool = False) -> Iterator[str]:
    get, readers = _plan(type(value), root)
    for found, read in zip(get(value), readers, strict=True):
        if found is not None:
            yield from read(found)
    if type(value).__name__ in ("Attachment", "Binary"):
        yield from _attached(value)


def _text(value: str) -> Iterator[str]:
    if not _UUID(value):
        yield value


def _many(read: Callable[[Any], Iterator[str]]) -> Callable[[Any], Iterator[str]]:
    def each(values: list[Any]) -> Iterator[str]:
        for value in values:
            if value is not None:
                yield from read(value)

    return each


def _inner(raw: msgspec.Raw) -> Iterator[str]:
    """A resource inside of another."""
    yield from _strings(decoder(head(raw).resourceType).decode(raw))


def _marked_up(narrative: Any) -> Iterator[str]:
    yield plain(narrative.div)


def _attached(value: Any) -> Iterator[str]:
    kind = (value.contentType or "").lower()
    if not kind.startswith("text/") or not value.data:
        return
    name = _CHARSET.search(kind)
    try:
        data = b64decode(value.data[: 6 * MAX_TEXT])
        text = data.decode(name[1] if name else "utf-8", errors="replace")
    except (ValueError, LookupError):  # no Base64, or a character set that nobody knows
        return
    yield plain(text) if kind.partition(";")[0].strip() in _MARKED_UP else text


@cache
def _plan(of: type[Struct], root: bool) -> tuple[Callable[[Any], Any], tuple[Any, ...]]:
    """What gets the attributes of a class that may have text, and how each is read."""
    found: dict[str, Callable[[Any], Iterator[str]]] = {}
    for name, hint in get_type_hints(of, include_extras=True).items():
        read = _reader(hint)
        is_text = not any(name == n and _is(of, owner) for owner, n in _NO_TEXT)
        if read is not None and is_text and not (root and name == "text" and read is _marked_up):
            found[name] = read
    names = list(found)
    if not names:
        return (lambda value: ()), ()
    get = attrgetter(*names)
    return (get if len(names) > 1 else lambda value: (get(value),)), tuple(found.values())


def _is(of: type, name: str) -> bool:
    return any(base.__name__ == name for base in of.__mro__)


def _reader(hint: Any) -> Callable[[Any], Iterator[str]] | None:
    origin = get_origin(hint)
    if origin is Annotated:
        inner, *meta = get_args(hint)
        if inner is str:  # of all texts, string and markdown alone have a greatest length
            return _text if any(m.max_length for m in meta) else None
        return _reader(inner)
    if origin in (Union, UnionType):
        found = [r for one in get_args(hint) if (r := _reader(one)) is not None]
        return found[0] if found else None
    if origin is list:
        read = _reader(get_args(hint)[0])
        return None if read is None else _many(read)
    if hint is msgspec.Raw:
        return _inner
    if hint is _narrative():
        return _marked_up
    return _strings if isinstance(hint, type) and issubclass(hint, Struct) else None


@cache
def _narrative() -> type[Struct]:
    return struct("Narrative")
