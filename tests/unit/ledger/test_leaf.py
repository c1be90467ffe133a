"""Leaves: what they commit to, who can open them, and who no longer can."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from careplane.kernel.errors import Malformed
from careplane.ledger import leaf
from careplane.ledger.leaf import FIELDS, Kind, Sealed

SECRET = b"s" * 32
VALUES = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=40)


@given(kind=st.sampled_from(Kind), data=st.data())
def test_a_leaf_opens_for_what_it_says_and_nothing_else(kind: Kind, data: st.DataObject) -> None:
    values = {name: data.draw(VALUES) for name in FIELDS[kind]}
    sealed = leaf.seal(kind, values, SECRET)
    assert leaf.kind_of(sealed.entry) is kind
    opening = leaf.opened(sealed, values, SECRET)
    assert opening is not None
    assert opening.entry() == sealed.entry
    assert leaf.read(kind, opening.statement) == values
    name = data.draw(st.sampled_from(FIELDS[kind]))
    assert leaf.opened(sealed, {**values, name: values[name] + "x"}, SECRET) is None
    if kind not in leaf.CLEAR:
        assert leaf.opened(sealed, values, b"t" * 32) is None, "another installation"
        assert leaf.opened(Sealed(sealed.entry, b"x" * 32), values, SECRET) is None
        assert leaf.opened(Sealed(sealed.entry), values, SECRET) is None, "it was erased"
        assert len(sealed.entry) == 34
        assert not any(
            value.encode() in sealed.entry for value in values.values() if len(value) > 3
        )


def test_two_leaves_of_the_same_are_not_alike() -> None:
    values = dict.fromkeys(FIELDS[Kind.DELETION], "1")
    assert leaf.seal(Kind.DELETION, values, SECRET).entry != (
        leaf.seal(Kind.DELETION, values, SECRET).entry
    )  # fmt: skip


def test_the_key_of_a_leaf_is_hkdf() -> None:
    """RFC 5869, by a library that is not used for it here."""
    from cryptography.hazmat.primitives.hashes import SHA256
    from cryptography.hazmat.primitives.kdf.hkdf import HKDF

    salt = bytes(range(32))
    made = HKDF(SHA256(), 32, salt, b"careplane ledger leaf 1").derive(SECRET)
    assert leaf.leaf_key(SECRET, salt) == made


@pytest.mark.parametrize("value", ["", " x", "x ", "x\ny 1", "é", "x" * 257, "\t"])
def test_a_value_is_one_line_of_ascii(value: str) -> None:
    values = dict.fromkeys(FIELDS[Kind.VERSION], "1") | {"id": value}
    with pytest.raises(Malformed, match="id must be"):
        leaf.statement(Kind.VERSION, values)


def test_fields_are_those_of_the_kind() -> None:
    with pytest.raises(Malformed, match="has the fields tenant, type"):
        leaf.statement(Kind.VERSION, {"tenant": 1})
    text = leaf.statement(Kind.DELETION, dict.fromkeys(FIELDS[Kind.DELETION], "1"))
    for wrong in (text + b"tenant 2\n", text[:-1], text.replace(b"deletion", b"version"),
                  text.replace(b"\nid 1", b""), b"", text + b"x"):  # fmt: skip
        with pytest.raises(Malformed):
            leaf.read(Kind.DELETION, wrong)


@pytest.mark.parametrize("entry", [b"", b"\1", b"\2\1" + b"c" * 32, b"\1\0x", b"\1\1short"])
def test_what_is_no_leaf(entry: bytes) -> None:
    with pytest.raises(Malformed):
        leaf.kind_of(entry)
