"""A registered client, as it is kept."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from careplane.access.caller import Caller
from careplane.access.scopes import Scope, parse_scopes
from careplane.storage.ports.records import Tenant

Method = Literal["client_secret", "private_key_jwt"]


class Client(Struct, frozen=True, array_like=True):
    """A confidential client. It proves who it is by `method`: a secret, of which `secret` is what
    is kept (see `secrets`), or an assertion under a key of `jwks`, a JWK Set as JSON, or of what
    stands at `jwks_uri`. `scopes` are the most that it is granted; `inspects`, whether it may ask
    about tokens of others (RFC 7662). Moments are in microseconds since 1970."""

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

    @property
    def allowed(self) -> frozenset[Scope]:
        """Its scopes."""
        return parse_scopes(" ".join(self.scopes))

    def caller(self, scopes: frozenset[Scope]) -> Caller:
        """Whom the rooms below see, and the audit trail names."""
        return Caller(Tenant(self.tenant), f"client/{self.id}", self.name, scopes)
