"""Addresses as a table, and the base that they stand under."""

from __future__ import annotations

import pytest

from careplane.kernel.errors import NotFound
from careplane.records.commands import Handling
from careplane.rest.addressing import Addressing
from careplane.rest.prefer import Prefer, Return, prefer
from careplane.rest.routes import ROUTES, Place, place


@pytest.mark.parametrize(
    ("address", "shape", "operation"),
    [
        ("", "", None),
        ("_history", "_history", None),
        ("Patient", "Type", None),
        ("Patient/_search", "Type/_search", None),
        ("Patient/1", "Type/id", None),
        ("Patient/Patient", "Type/id", None),
        ("Patient/1/_history", "Type/id/_history", None),
        ("Patient/1/_history/2", "Type/id/_history/vid", None),
        ("Patient/1/Observation", "Type/id/Type", None),
        ("Patient/1/*", "Type/id/*", None),
        ("$meta", "$", "meta"),
        ("Patient/$validate", "Type/$", "validate"),
        ("Patient/1/$everything", "Type/id/$", "everything"),
    ],
)
def test_places(address: str, shape: str, operation: str | None) -> None:
    found = place(tuple(address.split("/")) if address else ())
    assert found == Place(shape, operation)
    assert operation or shape in ROUTES


@pytest.mark.parametrize(
    "address", ["patient", "Nothing/1", "Patient/1/x", "Patient/1/*/x", "a/b/c/d"]
)
def test_places_that_are_none(address: str) -> None:
    with pytest.raises(NotFound):
        place(tuple(address.split("/")))


@pytest.mark.parametrize(
    ("setting", "headers", "base"),
    [
        (Addressing(), {b"host": b"a.test:8080"}, "http://a.test:8080/fhir"),
        (Addressing(), {}, "http://localhost/fhir"),
        (Addressing(), {b"host": b'a"}<b'}, "http://a%22%7D%3Cb/fhir"),
        (Addressing(), {b"host": b"a", b"x-forwarded-host": b"evil"}, "http://a/fhir"),
        (
            Addressing(trust_proxy=True),
            {b"host": b"a", b"x-forwarded-host": b"b.test", b"x-forwarded-proto": b"https"},
            "https://b.test/fhir",
        ),
        (Addressing("https://c.test/"), {b"host": b"a"}, "https://c.test/fhir"),
    ],
)
def test_the_base(setting: Addressing, headers: dict[bytes, bytes], base: str) -> None:
    assert setting.base({"scheme": "http"}, headers) == base


@pytest.mark.parametrize(
    ("header", "wanted"),
    [
        ("", Prefer()),
        ("return=minimal", Prefer(Return.MINIMAL)),
        ("return=OperationOutcome; handling=strict", Prefer(Return.OUTCOME, Handling.STRICT)),
        ('respond-async, return="representation"', Prefer(Return.REPRESENTATION, later=True)),
        ("return=everything, handling=loose", Prefer()),
    ],
)
def test_preferences(header: str, wanted: Prefer) -> None:
    assert prefer(header) == wanted
