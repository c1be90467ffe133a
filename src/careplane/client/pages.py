"""Bundles that an answer is: pages of a search or history, with the link to the next one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic

from careplane.client.wire import R, decode, decode_any
from careplane.fhir.generated.structs.bundle import Bundle, BundleEntry
from careplane.fhir.structs import Struct
from careplane.kernel.errors import Invalid


@dataclass(frozen=True, slots=True)
class Page(Generic[R]):
    """One page of a search. `raw` are the bytes of the matches, in their order."""

    type: type[R]
    raw: tuple[bytes, ...]
    included_raw: tuple[bytes, ...]
    total: int | None
    next: str | None

    @property
    def matches(self) -> list[R]:
        """The matches as structs."""
        return [decode(self.type, raw) for raw in self.raw]

    @property
    def included(self) -> list[Struct]:
        """What came along by `_include` and `_revinclude`, OperationOutcomes left out."""
        return [decode_any(raw) for raw in self.included_raw]


@dataclass(frozen=True, slots=True)
class Version(Generic[R]):
    """One version of a history; `resource` is None where it was deleted."""

    id: str
    version: str
    method: str
    last_updated: str
    resource: R | None


@dataclass(frozen=True, slots=True)
class Versions(Generic[R]):
    """One page of a history, the latest first."""

    versions: tuple[Version[R], ...]
    total: int | None
    next: str | None


def page(type: type[R], raw: bytes) -> Page[R]:
    """A page of a search."""
    bundle = decode(Bundle, raw)
    entries = bundle.entry or []
    return Page(
        type,
        tuple(bytes(e.resource) for e in entries if _mode(e) == "match"),
        tuple(bytes(e.resource) for e in entries if _mode(e) == "include"),
        bundle.total,
        _next(bundle),
    )


def versions(type: type[R], raw: bytes) -> Versions[R]:
    """A page of a history."""
    bundle = decode(Bundle, raw)
    found = tuple(_version(type, each) for each in bundle.entry or [])
    return Versions(found, bundle.total, _next(bundle))


def _version(type: type[R], entry: BundleEntry) -> Version[R]:
    request, response = entry.request, entry.response
    if request is None or response is None:
        raise Invalid("An entry of the history has no request or no response.")
    return Version(
        (entry.fullUrl or "").rpartition("/")[2],
        (response.etag or "").removeprefix("W/").strip('"'),
        str(request.method or ""),
        response.lastModified or "",
        decode(type, bytes(entry.resource)) if entry.resource else None,
    )


def _mode(entry: BundleEntry) -> str:
    if not entry.resource:
        return ""
    return str(entry.search.mode or "match") if entry.search else "match"


def _next(bundle: Bundle) -> str | None:
    links = bundle.link or []
    return next((link.url for link in links if link.relation == "next"), None)
