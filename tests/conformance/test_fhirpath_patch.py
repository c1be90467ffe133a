"""The FHIRPath Patch cases of the FHIR test suite (fhir-test-cases, r4/patch/fhir-patch-tests.xml).

Every case is applied forwards; those of mode `both` are so in the suite because their patch is also
the shortest way from the input to the output, which nothing here has to find.
"""

from __future__ import annotations

import copy
from typing import Any

import pytest
from lxml import etree

from careplane.fhir.codec import xml
from careplane.fhir.patch import fhirpath_patch
from careplane.kernel.errors import Invalid
from tests.support import test_data

EXPECTED_FAILURES: dict[str, str] = {}


def cases() -> list[Any]:
    try:
        path = test_data("fhir-test-cases", "r4", "patch", "fhir-patch-tests.xml")
    except pytest.skip.Exception as absent:
        return [pytest.param(None, id="absent", marks=pytest.mark.skip(reason=str(absent)))]
    root = xml.parse_document(path.read_bytes())
    return [pytest.param(case, id=case.get("name")) for case in root.iterchildren("case")]


def alone(case: etree._Element, part: str) -> bytes:
    """The one resource inside of a part of a case, as a document."""
    found = case.find(part)
    assert found is not None
    return etree.tostring(found[0], with_tail=False)


@pytest.mark.parametrize("case", cases())
def test_fhirpath_patch(case: etree._Element) -> None:
    resource, patch = xml.parse(alone(case, "input")), alone(case, "diff")
    before = copy.deepcopy(resource)
    error = case.find("error")
    if error is not None:
        with pytest.raises(Invalid) as caught:
            fhirpath_patch.apply(resource, patch)
        assert "no content found there when adding" in caught.value.text
    else:
        assert fhirpath_patch.apply(resource, patch) == xml.parse(alone(case, "output"))
    assert resource == before
