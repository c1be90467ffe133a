"""Files of a health link as they travel: JWE in compact form, `dir` with A256GCM (RFC 7516)."""

from __future__ import annotations

from joserfc import jwe
from joserfc.jwk import OctKey

FHIR, CARD = "application/fhir+json", "application/smart-health-card"


def encrypted(content: bytes, kind: str, key: str) -> str:
    """`key` is 32 bytes in base64url; the content is deflated first (`zip`: `DEF`)."""
    head = {"alg": "dir", "enc": "A256GCM", "cty": kind, "zip": "DEF"}
    return jwe.encrypt_compact(head, content, OctKey.import_key({"kty": "oct", "k": key}))
