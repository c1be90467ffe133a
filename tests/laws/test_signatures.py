"""Signatures of notes: they hold for what was signed, and for nothing else, to the last bit."""

from __future__ import annotations

import base64
import json
from dataclasses import replace
from typing import Any

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from hypothesis import given
from hypothesis import strategies as st

from careplane.care.notes import note, templates
from careplane.care.notes.signing import (
    VERIFICATION,
    Signed,
    Signer,
    canonical,
    provenance,
    signature_in,
)
from careplane.storage.ports.records import Tenant

HERE, THERE = Tenant(1), Tenant(2)
SIGNER = Signer(bytes(range(32)))
AT = "2026-11-28T10:00:00.000Z"
WHO = {"reference": "Practitioner/d", "display": "D"}
TYPED = st.text(min_size=1, max_size=60).filter(lambda text: bool(text.strip()))


def signed_note(texts: list[str]) -> tuple[dict[str, Any], Signed]:
    template = templates.shipped("soap")
    typed = {p.key: t for p, t in zip(template.parts, texts, strict=False)}
    tree = note.begun(template, "p", WHO, AT, typed) | {"id": "n", "meta": {"versionId": "2"}}
    jws = SIGNER.sign(HERE, tree, 2, "Practitioner/d", AT)
    found = signature_in(provenance("s", tree, 2, WHO, AT, jws), "n")
    assert found is not None
    return tree, found


@given(st.lists(TYPED, min_size=1, max_size=4))
def test_a_signature_holds(texts: list[str]) -> None:
    tree, signed = signed_note(texts)
    assert SIGNER.verify(HERE, tree, signed) == "holds"
    labelled = tree | {"meta": {"versionId": "9", "security": [{"code": "R"}]}}
    assert SIGNER.verify(HERE, labelled, signed) == "holds"
    shuffled = dict(reversed(list(json.loads(json.dumps(tree)).items())))
    assert SIGNER.verify(HERE, shuffled, signed) == "holds"


@given(st.lists(TYPED, min_size=1, max_size=4), st.data())
def test_any_bit_of_what_was_signed_breaks_it(texts: list[str], data: st.DataObject) -> None:
    tree, signed = signed_note(texts)
    raw = bytearray(canonical(tree))
    at = data.draw(st.integers(0, len(raw) - 1))
    raw[at] ^= 1 << data.draw(st.integers(0, 7))
    try:
        other = json.loads(raw)
    except ValueError:
        return
    if isinstance(other, dict) and canonical(other) != canonical(tree):
        assert SIGNER.verify(HERE, other, signed) != "holds"


@given(st.data())
def test_any_change_of_the_signature_breaks_it(data: st.DataObject) -> None:
    tree, signed = signed_note(["x"])
    at = data.draw(st.integers(0, len(signed.jws) - 1))
    other = data.draw(st.characters(codec="ascii").filter(lambda c: c != signed.jws[at]))
    jws = signed.jws[:at] + other + signed.jws[at + 1 :]
    assert SIGNER.verify(HERE, tree, replace(signed, jws=jws)) != "holds"


def test_nothing_of_it_can_be_exchanged() -> None:
    tree, signed = signed_note(["x"])
    for other in (
        replace(signed, version=3),
        replace(signed, who="Practitioner/e"),
        replace(signed, at="2026-11-28T10:00:01.000Z"),
        replace(signed, purpose=VERIFICATION),
    ):
        assert SIGNER.verify(HERE, tree, other) == "broken"
    assert SIGNER.verify(HERE, tree | {"id": "m"}, signed) == "broken"
    assert SIGNER.verify(THERE, tree, signed) == "unknown"
    assert Signer(bytes(32)).verify(HERE, tree, signed) == "unknown"
    for jws in ("", ".", "..", "a..b", "é", signed.jws.replace("..", ".e30."), "e30..e30"):
        assert SIGNER.verify(HERE, tree, replace(signed, jws=jws)) in ("broken", "unknown")


def verify(payload: str, jws: str, jwk: dict[str, str]) -> Any:
    """RFC 7515 5.2 and RFC 8037, without a line of ours: the header, or InvalidSignature. `payload`
    is in base64."""
    head, _, signature = jws.split(".")
    signed = base64.urlsafe_b64encode(base64.b64decode(payload)).rstrip(b"=").decode()
    public = Ed25519PublicKey.from_public_bytes(base64.urlsafe_b64decode(jwk["x"] + "=="))
    public.verify(base64.urlsafe_b64decode(signature + "=="), f"{head}.{signed}".encode())
    return json.loads(base64.urlsafe_b64decode(head + "=="))


def test_others_verify_it_by_the_standard() -> None:
    tree, signed = signed_note(["Größe"])
    key = SIGNER.jwk(HERE)
    payload = base64.b64encode(canonical(tree)).decode()
    assert verify(payload, signed.jws, key)["kid"] == key["kid"] == signed.key
    with pytest.raises(InvalidSignature):
        verify(base64.b64encode(canonical(tree) + b" ").decode(), signed.jws, key)
