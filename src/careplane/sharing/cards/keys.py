"""Keys that cards are signed with: ES256, one a calendar year for each institution, derived.

Nothing is kept but the root of the installation, so all nodes and all restored copies sign and are
verified alike. The set at `/.well-known/jwks.json` has next year's key and those of
so many years back: a card lasts as long as paper does.
"""

from __future__ import annotations

import base64
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, derive_private_key
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand

from careplane.storage.ports.records import Tenant

_YEARS_BACK = 10
_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
"""Of the group of P-256 (FIPS 186)."""
_FIRST = 2026
"""Cards were first issued then."""


class IssuerKeys:
    """`root` is 32 secret bytes, for this purpose alone."""

    def __init__(self, root: bytes) -> None:
        self._root = root
        self.private = lru_cache(maxsize=256)(self._private)

    def now(self, tenant: Tenant, micros: int) -> dict[str, Any]:
        """The private JWK of the moment."""
        return self.private(tenant, _year(micros))

    def published(self, tenant: Tenant, micros: int) -> dict[str, Any]:
        """The JWK Set of an institution."""
        year = _year(micros)
        years = range(max(_FIRST, year - _YEARS_BACK), year + 2)
        return {"keys": [_public(self.private(tenant, one)) for one in reversed(years)]}

    def _private(self, tenant: Tenant, year: int) -> dict[str, Any]:
        from joserfc.jwk import ECKey

        info = f"careplane/health-card/1 {int(tenant)} {year}".encode()
        drawn = int.from_bytes(HKDFExpand(SHA256(), 48, info).derive(self._root))
        secret = drawn % (_ORDER - 1) + 1
        point = derive_private_key(secret, SECP256R1()).public_key().public_numbers()
        bare = {"kty": "EC", "crv": "P-256", "x": _number(point.x), "y": _number(point.y)}
        kid = ECKey.import_key(dict(bare)).thumbprint()
        return {**bare, "kid": kid, "use": "sig", "alg": "ES256", "d": _number(secret)}


def _public(key: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in key.items() if name != "d"}


def _year(micros: int) -> int:
    return datetime.fromtimestamp(micros / 1_000_000, UTC).year


def _number(value: int) -> str:
    return base64.urlsafe_b64encode(value.to_bytes(32)).rstrip(b"=").decode()
