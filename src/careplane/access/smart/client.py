"""A registered client, as it is kept."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from careplane.access.caller import Caller
from careplane.access.scopes import Scope
from careplane.access.smart.contexts import contexts_of, resources_of
from careplane.storage.ports.records import Tenant

Method = Literal["client_secret", "private_key_jwt", "none"]


class Client(Struct, frozen=True, array_like=True):
    """A client. It proves who it is by `method`: a secret, of which `secret` is what is kept (see
    `secrets`), an assertion under a key of `jwks`, a JWK Set as JSON, or of what stands at
    `jwks_uri`; or not at all: it is public then, an app on a device or in a browser. `scopes` are
    the most that it is granted; `inspects`, whether it may ask about tokens of others (RFC 7662).
    Moments are in microseconds since 1970.

    With `redirect_uris` it is an app that acts for people. `launch_url` is where it is launched
    from a chart, `logo` a picture as a data URI; `invitation` is the id of the one it registered
    itself by (RFC 7591), empty where an operator did.
    """

    id: str
    tenant: int
    name: str
    scopes: tuple[str, ...]
    method: Method
    created: int
    secret: bytes = b""
    jwks: bytes = b""
    jwks_uri: str = ""
    inspects: bool = False
    disabled: bool = False
    redirect_uris: tuple[str, ...] = ()
    launch_url: str = ""
    logo: str = ""
    invitation: str = ""

    @property
    def allowed(self) -> frozenset[Scope]:
        """Its scopes about resources."""
        return frozenset(resources_of(self.scopes))

    @property
    def contexts(self) -> frozenset[str]:
        """Its other scopes."""
        return contexts_of(self.scopes)

    @property
    def public(self) -> bool:
        """Whether it cannot prove who it is."""
        return self.method == "none"

    def caller(self, scopes: frozenset[Scope]) -> Caller:
        """Whom the rooms below see, and the audit trail names."""
        return Caller(Tenant(self.tenant), f"client/{self.id}", self.name, scopes)
