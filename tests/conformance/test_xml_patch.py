"""The XML Patch cases of the FHIR test suite (fhir-test-cases, r4/patch/xml-patch-tests.xml)."""

from __future__ import annotations

from typing import Any

import pytest
from lxml import etree

from careplane.fhir.codec.xml import parse_document
from careplane.fhir.patch import xml_patch
from careplane.kernel.errors import CareplaneError
from tests.support import test_data

EXPECTED_FAILURES: dict[str, str] = {}


def cases() -> list[Any]:
    try:
        path = test_data("fhir-test-cases", "r4", "patch", "xml-patch-tests.xml")
    except pytest.skip.Exception as absent:
        return [pytest.param(None, id="absent", marks=pytest.mark.skip(reason=str(absent)))]
    return [pytest.param(case, id=case.get("name")) for case in parse_document(path.read_bytes())
            if case.tag == "case"]  # fmt: skip


def canonical(root: etree._Element) -> bytes:
    """The canonical form, without the white space that only lays the document out."""
    for node in root.iter():
        node.tail = (node.tail or "").strip()
        if isinstance(node.tag, str):
            node.text = (node.text or "").strip()
    return etree.tostring(root, method="c14n", with_comments=True)


def alone(parent: etree._Element | None) -> bytes:
    """The one element inside of a part of a case, as a document; nothing where there is none."""
    return b"" if parent is None or len(parent) == 0 else etree.tostring(parent[0])


@pytest.mark.parametrize("case", cases())
def test_xml_patch(case: etree._Element) -> None:
    target, patch = alone(case.find("target")), etree.tostring(case.find("{*}patch"))
    wanted = alone(case.find("patched"))
    if case.find("error") is not None:
        with pytest.raises(CareplaneError):
            xml_patch.apply_to_document(parse_document(target), patch)
        return
    document = parse_document(target)
    patched = xml_patch.apply_to_document(document, patch)
    assert canonical(patched) == canonical(parse_document(wanted))
    assert etree.tostring(document) == etree.tostring(parse_document(target))
