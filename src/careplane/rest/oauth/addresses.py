"""At which addresses the authorization server is found, and by which one an assertion names it."""

from __future__ import annotations

import re
from dataclasses import dataclass

from careplane.rest.addressing import ROOT, Addressing

TOKEN, INTROSPECT, REVOKE = "/oauth/token", "/oauth/introspect", "/oauth/revoke"
DISCOVERY = f"{ROOT}/.well-known/smart-configuration"
_LOOPBACK = re.compile(r"http://(localhost|127\.0\.0\.1|\[::1\])(:\d{1,5})?(/|$)")


@dataclass(frozen=True, slots=True)
class Addresses:
    """Of one server, as its FHIR base is known."""

    token: str
    introspect: str
    revoke: str
    audience: str


def addresses(addressing: Addressing, base: str) -> Addresses:
    """`base` is the FHIR base as a request has it. The audience of assertions is empty where only
    the request itself says what this server is called: an assertion that was made for another
    server would pass with that server's name as the Host. This machine's own names are safe."""
    root = base.removesuffix(ROOT)
    known = bool(addressing.base_url) or _LOOPBACK.match(root) is not None
    return Addresses(root + TOKEN, root + INTROSPECT, root + REVOKE, root + TOKEN if known else "")
