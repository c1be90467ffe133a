"""A card as it travels: JWS in compact form over a deflated payload, and its QR code."""

from __future__ import annotations

import zlib
from typing import Any

from joserfc import jws
from joserfc.jwk import ECKey

from careplane.fhir.codec import json
from careplane.fhir.tree import Tree

MOST_OF_A_CODE = 1195
"""Characters of a JWS that one QR code of version 22 holds; chunks are deprecated."""
_NUMERIC, _BYTE = 0b0001, 0b0100
"""Modes of ISO/IEC 18004."""
TYPE = "https://smarthealth.cards#health-card"


def signed(bundle: Tree, issuer: str, now: int, kinds: tuple[str, ...], key: dict[str, Any]) -> str:
    """The JWS. `kinds` are further types of the credential; `now` is in microseconds since 1970."""
    payload = {
        "iss": issuer,
        "nbf": now // 1_000_000,
        "vc": {
            "type": [TYPE, *kinds],
            "credentialSubject": {"fhirVersion": "4.0.1", "fhirBundle": bundle},
        },
    }
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    packed = packer.compress(json.dump(payload)) + packer.flush()
    head = {"alg": "ES256", "zip": "DEF", "kid": key["kid"]}
    registry = jws.JWSRegistry(algorithms=["ES256"], strict_check_header=False)
    return jws.serialize_compact(head, packed, ECKey.import_key(key), registry=registry)


def numeric(card: str) -> str:
    """The digits of a QR code after `shc:/`: two for each character."""
    return "".join(f"{ord(letter) - 45:02d}" for letter in card)


def segments(card: str) -> list[tuple[str, int]]:
    """What a QR code holds, for `segno`: a segment of bytes, one of digits."""
    return [("shc:/", _BYTE), (numeric(card), _NUMERIC)]


def picture(card: str) -> str:
    """The QR code as an address of data."""
    import segno  # few pages have one

    code = segno.make(segments(card), error="l", micro=False)  # type: ignore[arg-type]
    return str(code.svg_data_uri(scale=4, border=4, light="#ffffff"))
