"""A Bundle to be processed, as entries: what each asks for (FHIR R4, 3.1.0.11 and Bundle.request).

Resources stay bytes here; only the requests are looked at.
"""

from __future__ import annotations

import re
from urllib.parse import unquote

import msgspec
from msgspec import Struct

from careplane.kernel.errors import Incorrect, Invalid, Issue, Malformed, TooLarge
from careplane.records import etag

_MOST_ENTRIES = 50_000
_KINDS = ("transaction", "batch")
_PART = re.compile(r"[A-Za-z0-9\-._$*]+")
_PARTS = re.compile(rf"{_PART.pattern}(?:/{_PART.pattern})*")
METHODS = ("DELETE", "POST", "PUT", "PATCH", "GET", "HEAD")


class _Request(msgspec.Struct):
    method: str = ""
    url: str = ""
    ifNoneMatch: str | None = None  # noqa: N815
    ifMatch: str | None = None  # noqa: N815
    ifNoneExist: str | None = None  # noqa: N815


class _Entry(msgspec.Struct):
    request: _Request | None = None
    fullUrl: str | None = None  # noqa: N815
    resource: msgspec.Raw = msgspec.Raw()


class _Bundle(msgspec.Struct):
    resourceType: str  # noqa: N815
    type: str
    entry: list[_Entry] = []


class Entry(Struct, frozen=True):
    """One request of a Bundle. `path` are the parts of its address below the base."""

    index: int
    method: str
    url: str
    path: tuple[str, ...]
    criteria: str | None
    raw: bytes | None
    full_url: str | None
    if_match: int | None
    if_none_match: str | None
    if_none_exist: str | None

    @property
    def type(self) -> str:
        """The type that it is about; empty for the whole system."""
        return self.path[0] if self.path else ""

    @property
    def id(self) -> str | None:
        """The logical id in its address."""
        return self.path[1] if len(self.path) > 1 else None


_decoder = msgspec.json.Decoder(_Bundle)


def entries(raw: bytes) -> tuple[bool, tuple[Entry, ...]]:
    """Whether it is a transaction, and what it asks for. Raises Malformed, Invalid, TooLarge."""
    try:
        bundle = _decoder.decode(raw)
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError) as error:
        raise Malformed("The body is not a Bundle.") from error
    if bundle.resourceType != "Bundle":
        raise Invalid("Only a Bundle can be processed here; send a resource to its type's address.")
    if bundle.type not in _KINDS:
        text = "Only a Bundle of type 'transaction' or 'batch' can be processed."
        raise Invalid(text, issues=(Issue("error", "value", text, "Bundle.type"),))
    if len(bundle.entry) > _MOST_ENTRIES:
        raise TooLarge(f"A Bundle may have at most {_MOST_ENTRIES} entries.")
    asked = tuple(_entry(index, entry) for index, entry in enumerate(bundle.entry))
    return bundle.type == "transaction", asked


def _entry(index: int, entry: _Entry) -> Entry:
    request = entry.request
    if request is None:
        raise _wrong(index, "required", "Each entry needs a request.")
    if request.method not in METHODS:
        raise _wrong(index, "value", f"'{request.method[:16]}' is not a method of HTTP.", ".method")
    address, question, criteria = request.url.partition("?")
    raw = bytes(entry.resource) or None
    is_call = address.rpartition("/")[2].startswith("$")  # an operation may do without
    if raw is None and request.method in ("POST", "PUT", "PATCH") and not is_call:
        raise _wrong(index, "required", "This entry needs a resource.")
    try:
        if_match = etag.read(request.ifMatch)
    except Incorrect as error:
        raise _wrong(index, "value", error.text, ".ifMatch") from error
    return Entry(
        index=index,
        method=request.method,
        url=request.url,
        path=_path(index, address),
        criteria=criteria if question else None,
        raw=raw,
        full_url=entry.fullUrl,
        if_match=if_match,
        if_none_match=request.ifNoneMatch,
        if_none_exist=request.ifNoneExist,
    )


def _path(index: int, address: str) -> tuple[str, ...]:
    if _PARTS.fullmatch(address):
        return tuple(address.split("/"))
    parts = tuple(unquote(part) for part in address.strip("/").split("/")) if address else ()
    if all(_PART.fullmatch(part) for part in parts):
        return parts
    raise _wrong(index, "value", "The url must be relative to the base, such as Patient/1.", ".url")


def _wrong(index: int, code: str, text: str, where: str = "") -> Invalid:
    place = f"Bundle.entry[{index}].request{where}"
    return Invalid(text, issues=(Issue("error", code, text, place),))
