"""By which address clients know this server: from the settings, or from each request itself."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any
from urllib.parse import quote

from careplane.rest.request import Scope

ROOT = "/fhir"
_SAFE = ":.[]-_"


@dataclass(frozen=True, slots=True)
class Addressing:
    """`base_url` such as `https://records.example.org`, or empty. X-Forwarded headers count only
    behind a proxy that is trusted to set them."""

    base_url: str = ""
    trust_proxy: bool = False

    def base(self, scope: Scope, headers: dict[bytes, bytes]) -> str:
        """The address of the FHIR interface, without a slash at its end."""
        if self.base_url:
            return self.base_url.rstrip("/") + ROOT
        scheme = str(scope.get("scheme", "http"))
        host = headers.get(b"host", b"").decode("latin-1")
        if self.trust_proxy:
            scheme = _first(headers, b"x-forwarded-proto") or scheme
            host = _first(headers, b"x-forwarded-host") or host
        return _address(scheme, host[:255])

    def client(self, scope: Scope, headers: dict[bytes, bytes]) -> str:
        """Where a request came from, for the audit trail."""
        if self.trust_proxy:
            forwarded = _first(headers, b"x-forwarded-for")
            if forwarded:
                return forwarded[:64]
        client: Any = scope.get("client")
        return str(client[0]) if client else ""


@lru_cache(maxsize=64)
def _address(scheme: str, host: str) -> str:
    # Anything but a name and a port is quoted: this text ends up in JSON, bytes joined.
    scheme = "https" if scheme == "https" else "http"
    return f"{scheme}://{quote(host or 'localhost', safe=_SAFE)}{ROOT}"


def _first(headers: dict[bytes, bytes], name: bytes) -> str:
    return headers.get(name, b"").decode("latin-1").partition(",")[0].strip()
