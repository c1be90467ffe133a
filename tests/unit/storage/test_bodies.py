"""Bodies come back to the byte, and are small on the way."""

from __future__ import annotations

import os

import pytest

from careplane.storage.bodies import MANY, PLAIN, SHORT, Bodies

RESOURCE = (
    b'}"status":"final","category":[{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/'
    b'observation-category","code":"vital-signs","display":"vital-signs"}]}],"code":{"coding":[{'
    b'"system":"http://loinc.org","code":"8302-2","display":"Body Height"}],"text":"Body Height"}}'
)


@pytest.mark.parametrize("count", [0, 1, MANY - 1, MANY, MANY + 1])
def test_a_body_comes_back_to_the_byte(count: int) -> None:
    bodies = Bodies()
    given = [os.urandom(n * 7 % 300) for n in range(count)]
    assert [bodies.unpack(*packed) for packed in bodies.pack(given)] == given


def test_a_short_body_is_kept_as_it_is() -> None:
    assert Bodies().pack([b"x" * (SHORT - 1)]) == [(PLAIN, b"x" * (SHORT - 1))]


def test_a_resource_takes_a_fraction() -> None:
    ((dictionary, packed),) = Bodies().pack([RESOURCE])
    assert dictionary != PLAIN
    assert len(packed) < len(RESOURCE) / 4
