"""At which addresses the authorization server is found, and by which one an assertion names it."""

from __future__ import annotations

import re
from dataclasses import dataclass

from careplane.access.smart.launch.asking import Place
from careplane.rest.addressing import ROOT, Addressing

AUTHORIZE = "/oauth/authorize"
TOKEN, INTROSPECT, REVOKE = "/oauth/token", "/oauth/introspect", "/oauth/revoke"
REGISTER, USERINFO, JWKS = "/oauth/register", "/oauth/userinfo", "/oauth/jwks"
DISCOVERY = f"{ROOT}/.well-known/smart-configuration"
OPENID = "/.well-known/openid-configuration"
METADATA = "/.well-known/oauth-authorization-server"
_LOOPBACK = re.compile(r"http://(localhost|127\.0\.0\.1|\[::1\])(:\d{1,5})?(/|$)")


@dataclass(frozen=True, slots=True)
class Addresses:
    """Of one server, as its FHIR base is known. `root` is its issuer where `known`; `audience` is
    that of assertions, empty where it is not."""

    root: str
    known: bool

    @property
    def token(self) -> str:
        return self.root + TOKEN

    @property
    def audience(self) -> str:
        return self.token if self.known else ""

    @property
    def place(self) -> Place:
        """Who speaks to apps; without an issuer where only the request says what this server is
        called."""
        return Place(self.root if self.known else "", self.root + ROOT)


def addresses(addressing: Addressing, base: str) -> Addresses:
    """`base` is the FHIR base as a request has it. It is not known where only the request itself
    says what this server is called: an assertion that was made for another server would pass with
    that server's name as the Host. This machine's own names are safe."""
    root = base.removesuffix(ROOT)
    return Addresses(root, bool(addressing.base_url) or _LOOPBACK.match(root) is not None)
