"""Laws of the XML codec on trees of every type, and on bytes of every kind."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from careplane.fhir.codec import json, xml
from careplane.fhir.validation import check
from careplane.kernel.errors import CareplaneError
from tests.laws.trees import resources

SLOW_TO_DRAW = settings(
    max_examples=100,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)


@SLOW_TO_DRAW
@given(resources())
def test_what_is_written_is_read(tree: dict[str, Any]) -> None:
    raw = xml.dump(tree)
    assert xml.parse(raw) == tree
    assert xml.parse(xml.dump(tree, pretty=True)) == tree
    assert xml.dump(xml.parse(raw)) == raw
    assert json.dump(xml.parse(xml.dump(json.parse(json.dump(tree))))) == json.dump(xml.parse(raw))


@SLOW_TO_DRAW
@given(resources(), st.data())
def test_damaged_xml_is_read_or_refused(tree: dict[str, Any], data: st.DataObject) -> None:
    raw = bytearray(xml.dump(tree))
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(raw) - 1))
        length = data.draw(st.integers(0, 8))
        raw[at : at + length] = data.draw(
            st.one_of(st.binary(max_size=4), st.sampled_from(TROUBLE))
        )
    try:
        again = xml.parse(bytes(raw))
    except CareplaneError:
        return
    assert xml.parse(xml.dump(again)) == again


TROUBLE = [
    b"<x/>", b"</", b"<!--", b"-->", b"<![CDATA[", b"]]>", b"&x;", b"&#0;", b"\0", b"\xff",
    b"<!DOCTYPE a>", b"<?p?>", b' xmlns="a"', b' value="1"', b' value=""', b"text",
]  # fmt: skip


@settings(max_examples=300, deadline=None)
@given(st.one_of(st.binary(max_size=200), st.text("<>/&;!?-[]x=\"' \0é", max_size=60)))
def test_bytes_of_any_kind_are_refused(raw: bytes | str) -> None:
    try:
        xml.parse(raw if isinstance(raw, bytes) else raw.encode())
    except CareplaneError:
        return
    raise AssertionError("so little cannot be a resource")


XHTML = '<div xmlns="http://www.w3.org/1999/xhtml">{}</div>'
ODD = {
    "a prefix": '<h:div xmlns:h="http://www.w3.org/1999/xhtml"><h:p>x</h:p></h:div>',
    "a declaration": '<?xml version="1.0"?>' + XHTML.format("x"),
    "a comment": XHTML.format("<!-- c -->x"),
    "CDATA": XHTML.format("<![CDATA[<b>]]>"),
    "99 levels": XHTML.format("<b>" * 99 + "x" + "</b>" * 99),
    "300 levels": XHTML.format("<b>" * 300 + "x" + "</b>" * 300),
    "10,000 levels": XHTML.format("<b>" * 10_000 + "x" + "</b>" * 10_000),
    "11 MB": XHTML.format("x" * 11_000_000),
    "empty tags": XHTML.format("x" + "<b/>" * 3_000_000),
    "11 MB in tags": XHTML.format("<b>x</b>" + "x" * 11_000_000),
    "no character": XHTML.format("\uffff"),
    "an entity": XHTML.format("&nbsp;"),
    "two roots": XHTML.format("x") * 2,
    "an end too early": XHTML.format("x</div></text><id value='y'/><text><div>"),
}


@pytest.mark.parametrize("name", ODD)
def test_a_narrative_that_is_let_in_can_be_written(name: str) -> None:
    tree = {
        "resourceType": "Basic",
        "text": {"status": "generated", "div": ODD[name]},
        "code": {"text": "x"},
    }
    try:
        check(json.dump(tree))
    except CareplaneError:
        return
    assert xml.dump(tree).endswith(b"</Basic>")


@pytest.mark.parametrize(
    "odd", ["\t\r\n", "\x7f", "\x85", "\u2028", "\ufeff", "\ufffe", "\uffff", "😀"]
)
def test_a_character_that_is_let_in_can_be_written(odd: str) -> None:
    tree = {"resourceType": "Basic", "code": {"text": f"a{odd}b"}}
    check(json.dump(tree))
    written = xml.parse(xml.dump(tree))["code"]["text"]
    assert written == f"a{odd}b".translate({0xFFFE: 0xFFFD, 0xFFFF: 0xFFFD})
