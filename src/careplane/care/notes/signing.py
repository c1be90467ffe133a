"""Signatures of notes: a JSON Web Signature with its payload detached (RFC 7515, appendix F) in a
Provenance (R4), by a key of the institution (Ed25519, RFC 8037).

Signed is the canonical JSON of the version without `meta` and `text` (R4 2.6.8,
http://hl7.org/fhir/canonicalization/json#static), so labels and tags may come later. The protected
header names the version and who signed, so that none of it can be exchanged.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from dataclasses import dataclass
from typing import Any, Literal

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from careplane.fhir.tree import Tree
from careplane.storage.ports.records import Tenant

CANONICAL = (
    "application/fhir+json;canonicalization=http://hl7.org/fhir/canonicalization/json#static"
)
_ALGORITHM = "EdDSA"
_ASTM = "urn:iso-astm:E1762-95:2013"
AUTHOR, VERIFICATION = "1.2.840.10065.1.12.1.1", "1.2.840.10065.1.12.1.5"
_PURPOSES = {AUTHOR: "Author's Signature", VERIFICATION: "Verification Signature"}
_AGENT = "http://terminology.hl7.org/CodeSystem/provenance-participant-type"
_COMPLETION = "http://terminology.hl7.org/CodeSystem/v3-DocumentCompletion"
_UNSIGNED = frozenset({"meta", "text"})
_LIVES = frozenset({"status"})
"""What changes in the life of a signed note: an addendum makes it amended."""
_encoder = msgspec.json.Encoder(order="sorted", decimal_format="number")

Verdict = Literal["holds", "broken", "missing", "unknown"]
"""The signature holds; the note is not what was signed; there is none; it is by a key of others."""


@dataclass(frozen=True, slots=True)
class Signed:
    """What a signature says: of which version, by whom, when, with which key, and as what (a
    purpose of ASTM E1762)."""

    jws: str
    version: int
    who: str
    name: str
    at: str
    key: str
    purpose: str


def canonical(tree: Tree) -> bytes:
    """The bytes that are signed."""
    return _encoder.encode({k: v for k, v in tree.items() if k not in _UNSIGNED})


def is_same(signed: Tree, now: Tree) -> bool:
    """Whether a note says what the signed version says."""
    return canonical(_lasting(signed)) == canonical(_lasting(now))


def _lasting(tree: Tree) -> Tree:
    return {k: v for k, v in tree.items() if k not in _LIVES}


class Signer:
    """Has a key for each institution, derived from one secret of 32 bytes."""

    def __init__(self, secret: bytes) -> None:
        self._secret = secret

    def _key(self, tenant: Tenant) -> Ed25519PrivateKey:
        seed = hmac.digest(self._secret, b"careplane/notes/" + str(int(tenant)).encode(), "sha256")
        return Ed25519PrivateKey.from_private_bytes(seed)

    def jwk(self, tenant: Tenant) -> dict[str, str]:
        """The public key (RFC 8037), its `kid` its thumbprint (RFC 7638)."""
        raw = self._key(tenant).public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
        members = {"crv": "Ed25519", "kty": "OKP", "x": _b64(raw)}
        kid = _b64(hashlib.sha256(_encoder.encode(members)).digest())
        return {**members, "kid": kid, "alg": _ALGORITHM, "use": "sig"}

    def sign(
        self, tenant: Tenant, tree: Tree, version: int, who: str, at: str, purpose: str = AUTHOR
    ) -> str:
        """A detached signature of a version, in the compact form."""
        header = {
            "alg": _ALGORITHM,
            "kid": self.jwk(tenant)["kid"],
            "cty": "application/fhir+json",
            "sub": who,
            "sigT": at,
            "purpose": purpose,
            "target": f"Composition/{tree['id']}/_history/{version}",
        }
        head = _b64(_encoder.encode(header))
        signature = self._key(tenant).sign(f"{head}.{_b64(canonical(tree))}".encode())
        return f"{head}..{_b64(signature)}"

    def verify(self, tenant: Tenant, tree: Tree, signed: Signed) -> Verdict:
        """Whether a signature is good for the version that it names, here as it is stored."""
        head, _, rest = signed.jws.partition(".")
        try:
            header = msgspec.json.decode(_unb64(head), type=dict[str, Any])
            signature = _unb64(rest.removeprefix("."))
        except (ValueError, msgspec.DecodeError):
            return "broken"
        if header.get("kid") != self.jwk(tenant)["kid"]:
            return "unknown"
        target = f"Composition/{tree.get('id')}/_history/{signed.version}"
        said = [header.get(name) for name in ("alg", "target", "sub", "sigT", "purpose")]
        told = [_ALGORITHM, target, signed.who, signed.at, signed.purpose]
        if not rest.startswith(".") or said != told:
            return "broken"
        try:
            payload = f"{head}.{_b64(canonical(tree))}".encode()
            self._key(tenant).public_key().verify(signature, payload)
        except InvalidSignature:
            return "broken"
        return "holds"


def provenance(
    id: str, note: Tree, version: int, who: Tree, at: str, jws: str, purpose: str = AUTHOR
) -> Tree:
    """That this version was signed. The patient is a target besides, so that this stands in the
    patient's compartment."""
    return {
        "resourceType": "Provenance",
        "id": id,
        "target": [
            {"reference": f"Composition/{note['id']}/_history/{version}"},
            {"reference": note["subject"]["reference"]},
        ],
        "recorded": at,
        "activity": {
            "coding": [{"system": _COMPLETION, "code": "LA", "display": "legally authenticated"}]
        },
        "agent": [
            {
                "type": {"coding": [{"system": _AGENT, "code": "legal", "display": "Legal"}]},
                "who": who,
            }
        ],
        "signature": [
            {
                "type": [{"system": _ASTM, "code": purpose, "display": _PURPOSES[purpose]}],
                "when": at,
                "who": who,
                "targetFormat": CANONICAL,
                "sigFormat": "application/jose",
                "data": base64.b64encode(jws.encode()).decode(),
            }
        ],
    }


def signature_in(provenance: Tree, note: str) -> Signed | None:
    """The signature of a note (its id) that a Provenance holds."""
    prefix = f"Composition/{note}/_history/"
    versions = [
        str(one.get("reference", "")).rpartition("/")[2]
        for one in provenance.get("target", ())
        if prefix in str(one.get("reference", ""))
    ]
    for one in provenance.get("signature", ()):
        if one.get("sigFormat") == "application/jose" and len(versions) == 1:
            try:
                jws = base64.b64decode(one.get("data", ""), validate=True).decode("ascii")
                version = int(versions[0])
            except ValueError:
                return None
            who = one.get("who", {})
            types = one.get("type") or [{}]
            return Signed(
                jws, version, str(who.get("reference", "")), str(who.get("display", "")),
                str(one.get("when", "")), _kid(jws), str(types[0].get("code", "")),
            )  # fmt: skip
    return None


def _kid(jws: str) -> str:
    try:
        header = msgspec.json.decode(_unb64(jws.partition(".")[0]), type=dict[str, Any])
    except (ValueError, msgspec.DecodeError):
        return ""
    return str(header.get("kid", ""))


def _b64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _unb64(text: str) -> bytes:
    """Strictly: what decodes is what was encoded, to the last bit."""
    raw = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    if _b64(raw) != text:
        raise ValueError("not base64url")
    return raw
