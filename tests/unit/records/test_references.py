"""References rewritten in bytes, and whose record some bytes are about."""

from __future__ import annotations

import pytest

from careplane.kernel.errors import Incorrect
from careplane.records import etag, references
from careplane.records.patients import patients_of_versions
from careplane.storage.ports.records import Version

URN = b"urn:uuid:1b9c9f1e-0000-4000-8000-000000000001"
MOVED = {URN: b"Patient/1", b"Patient/old": b"Patient/1"}


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (b'{"reference":"%b"}' % URN, b'{"reference":"Patient/1"}'),
        (b'{"reference" : "%b"}' % URN, b'{"reference" : "Patient/1"}'),
        (b'{"uri":["%b"]}' % URN, b'{"uri":["Patient/1"]}'),
        (b'{"div":"<a href=\\"%b\\">"}' % URN, b'{"div":"<a href=\\"Patient/1\\">"}'),
        (b'{"value": "%b"}' % URN, b'{"value": "%b"}' % URN),
        (b'{"reference":"%b0"}' % URN, b'{"reference":"%b0"}' % URN),
        (b'{"reference":"Patient/old"}', b'{"reference":"Patient/1"}'),
        (b'{"reference":"Patient/older"}', b'{"reference":"Patient/older"}'),
        (b'{"display":"Patient/old"}', b'{"display":"Patient/old"}'),
    ],
)
def test_rewriting(before: bytes, after: bytes) -> None:
    assert references.rewrite(before, MOVED, urns_only=False) == after


@pytest.mark.parametrize(
    ("raw", "found"),
    [
        (b'{"reference":"Patient?identifier=a|b"}', ["Patient?identifier=a|b"]),
        (b'{"reference":"Patient\\u003fname=\\u00e9"}', ["Patient?name=\u00e9"]),
        (b'{"reference":"Patient/1"}', []),
        (b'{"text":"Patient?"}', []),
    ],
)
def test_conditional_references(raw: bytes, found: list[str]) -> None:
    assert references.conditional(raw) == found
    assert references.has_conditional(raw) == bool(found)
    resolved = references.resolve_conditional(raw, lambda text: "Patient/9")
    assert (b'"Patient/9"' in resolved) == bool(found)


@pytest.mark.parametrize(
    ("rest", "ids"),
    [
        (b'},"subject":{"reference":"Patient/1"}}', {"1"}),
        (b'},"subject":{"reference":"Patient\\/1"}}', {"1"}),
        (b'},"subject":{"reference":"\\u0050atient/1"}}', {"1"}),
        (b'},"subject":{"reference":"Patient/1/_history/2"}}', {"1"}),
        (b'},"a":[{"reference":"Patient/1"},{"reference":"Patient/2"}]}', {"1", "2"}),
        (b'},"subject":{"reference":"Group/1"}}', set()),
        (b"", set()),
    ],
)
def test_whose_record_it_is(rest: bytes, ids: set[str]) -> None:
    version = Version("Observation", "o", 1, 0, "PUT", rest, 1)
    assert set(patients_of_versions([version])) == ids


def test_a_patient_is_its_own() -> None:
    assert set(patients_of_versions([Version("Patient", "p", 1, 0, "PUT", b"}", 1)])) == {"p"}


@pytest.mark.parametrize(
    ("text", "version"),
    [(None, None), ('W/"3"', 3), ('"3"', 3), ("3", 3), ('W/"abc"', 0), ('""', 0)],
)
def test_entity_tags(text: str | None, version: int | None) -> None:
    assert etag.read(text) == version


def test_what_is_no_tag() -> None:
    with pytest.raises(Incorrect):
        etag.read("abc")
    assert etag.read(etag.write(7)) == 7
