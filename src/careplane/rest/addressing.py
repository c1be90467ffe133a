"""By which address clients know this server: from the settings, or from each request itself."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NamedTuple
from urllib.parse import quote

from careplane.rest.request import Scope
from careplane.storage.ports.records import Tenant

ROOT = "/fhir"
PLACE = "careplane.place"
"""Where a scope says whose address was asked; without it, the installation's own."""
_SAFE = ":.[]-_"


class Place(NamedTuple):
    """An address of a tenant: what its paths begin with (already taken off the path of a scope), or
    the host name that is its own."""

    tenant: Tenant
    root: str = ""
    host: str = ""


OWN = Place(Tenant(1))
"""That of the installation itself."""


def place_of(scope: Scope) -> Place:
    """Whose address was asked."""
    place: Place = scope.get(PLACE, OWN)
    return place


@dataclass(frozen=True, slots=True)
class Addressing:
    """`base_url` such as `https://records.example.org`, or empty. X-Forwarded headers count only
    behind a proxy that is trusted to set them."""

    base_url: str = ""
    trust_proxy: bool = False

    def base(self, scope: Scope, headers: dict[bytes, bytes]) -> str:
        """The address of the FHIR interface that was asked, without a slash at its end."""
        place: Place = scope.get(PLACE, OWN)
        if self.base_url:
            return self.known(place)
        scheme = str(scope.get("scheme", "http"))
        host = headers.get(b"host", b"").decode("latin-1")
        if self.trust_proxy:
            scheme = _first(headers, b"x-forwarded-proto") or scheme
            host = _first(headers, b"x-forwarded-host") or host
        return _address(scheme, host[:255], place.root)

    def known(self, place: Place) -> str:
        """The address of the FHIR interface there as the settings have it; empty where only a
        request says what this server is called."""
        if not self.base_url:
            return ""
        if not place.host:
            return self.base_url.rstrip("/") + place.root + ROOT
        return f"{self.base_url.partition('://')[0]}://{place.host}{place.root}{ROOT}"

    def origin(self, place: Place) -> str:
        """The address of the pages there, without a path; empty where `known` is."""
        return self.known(place).removesuffix(place.root + ROOT)

    def host(self, headers: dict[bytes, bytes]) -> str:
        """The host name that a request asks for, in lower case and without a port."""
        host = headers.get(b"host", b"").decode("latin-1")
        if self.trust_proxy:
            host = _first(headers, b"x-forwarded-host") or host
        return host[:255].rpartition("]")[2].partition(":")[0].rstrip(".").lower()

    def client(self, scope: Scope, headers: dict[bytes, bytes]) -> str:
        """Where a request came from, for the audit trail."""
        if self.trust_proxy:
            forwarded = _first(headers, b"x-forwarded-for")
            if forwarded:
                return forwarded[:64]
        client: Any = scope.get("client")
        return str(client[0]) if client else ""


@lru_cache(maxsize=64)
def _address(scheme: str, host: str, root: str) -> str:
    # Anything but a name and a port is quoted: this text ends up in JSON, bytes joined.
    scheme = "https" if scheme == "https" else "http"
    return f"{scheme}://{quote(host or 'localhost', safe=_SAFE)}{root}{ROOT}"


def _first(headers: dict[bytes, bytes], name: bytes) -> str:
    return headers.get(name, b"").decode("latin-1").partition(",")[0].strip()
