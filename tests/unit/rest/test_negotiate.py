"""Content negotiation as a table."""

from __future__ import annotations

import pytest

from careplane.kernel.errors import NotAcceptable, UnsupportedMedia
from careplane.rest.negotiate import Form, form_of, media_type, negotiate


@pytest.mark.parametrize(
    ("accept", "format", "form"),
    [
        ("", None, Form.JSON),
        ("*/*", None, Form.JSON),
        ("application/*", None, Form.JSON),
        ("application/json", None, Form.JSON),
        ("application/fhir+xml", None, Form.XML),
        ("text/xml", None, Form.XML),
        ("application/fhir+json;q=0.1, application/fhir+xml;q=0.2", None, Form.XML),
        ("application/fhir+xml, application/fhir+json", None, Form.XML),
        ("text/html,application/xhtml+xml,*/*;q=0.8", None, Form.JSON),
        ("application/fhir+json;q=0, */*", None, Form.XML),
        ("application/fhir+json; fhirVersion=4.0", None, Form.JSON),
        ("APPLICATION/FHIR+XML", None, Form.XML),
        ("application/fhir+json", "xml", Form.XML),
        ("text/csv", "json", Form.JSON),
        ("", "application/fhir xml", Form.XML),
        ("", "application/json;charset=utf-8", Form.JSON),
    ],
)
def test_form(accept: str, format: str | None, form: Form) -> None:
    assert negotiate(accept, format, None).form is form


@pytest.mark.parametrize(
    ("accept", "format"),
    [
        ("text/csv", None),
        ("application/fhir+json;q=0", None),
        ("application/fhir+json;q=nan", None),
        ("application/fhir+json;q=0, application/fhir+xml;q=0, */*", None),
        ("*/*", "ttl"),
        ("*/*", "html"),
    ],
)
def test_what_is_not_acceptable(accept: str, format: str | None) -> None:
    with pytest.raises(NotAcceptable):
        negotiate(accept, format, None)


@pytest.mark.parametrize(("text", "pretty"), [("true", True), ("false", False), (None, False)])
def test_pretty(text: str | None, pretty: bool) -> None:
    assert negotiate("", None, text).pretty is pretty


@pytest.mark.parametrize(
    ("content_type", "form"),
    [
        ("application/fhir+json", Form.JSON),
        ("application/json; charset=UTF-8", Form.JSON),
        ('application/fhir+xml;charset="utf-8"', Form.XML),
    ],
)
def test_bodies_that_are_read(content_type: str, form: Form) -> None:
    assert form_of(media_type(content_type)) is form


@pytest.mark.parametrize(
    "content_type", ["", "json", "text/plain", "application/fhir+json; charset=latin-1"]
)
def test_bodies_that_are_not(content_type: str) -> None:
    with pytest.raises(UnsupportedMedia):
        form_of(media_type(content_type))
