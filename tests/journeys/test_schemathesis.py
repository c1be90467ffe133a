"""Requests that schemathesis makes up from the OpenAPI document, against a server as a user would
start it: it never fails inside, and answers as the document says."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.specs.openapi import checks as conformance

from careplane.rest.offered import OPERATIONS
from careplane.rest.openapi import OpenApi
from careplane.search.registry import r4_registry
from tools.bench.server import Server

TYPES = ("Resource", "Patient", "Observation", "Encounter", "Binary", "Parameters")
EXAMPLES = 8


def no_fault(context: Any, response: Any, case: Any) -> None:
    """501 and 503 are answers that the server means to give."""
    assert response.status_code < 500 or response.status_code in (501, 503), response.text


CHECKS = (
    no_fault,
    conformance.status_code_conformance,
    conformance.content_type_conformance,
    conformance.response_headers_conformance,
    conformance.response_schema_conformance,
)
"""What is made up within the schema may still break the rules of FHIR, so a 400 is no failure."""

XML = st.sampled_from(
    [
        b'<Patient xmlns="http://hl7.org/fhir"><active value="true"/></Patient>',
        b'<Parameters xmlns="http://hl7.org/fhir"/>',
        b"<diff/>",
        b'<diff><add sel="Patient"><active value="true"/></add></diff>',
        b"<a",
    ]
) | st.binary(max_size=40)

for _media in ("application/fhir+xml", "application/xml-patch+xml"):
    schemathesis.openapi.media_type(_media, XML)

API = OpenApi(r4_registry(), OPERATIONS)
OFFERED = {
    f"{type} {found.ok().label}": found.ok()
    for type in TYPES
    for found in schemathesis.openapi.from_dict(json.loads(API.of(type).plain)).get_all_operations()
}


KNOWN: dict[str, dict[str, Any]] = {
    "Patient": {"name": [{"family": "Okafor", "given": ["Ada"]}], "birthDate": "1970-05-01"},
    "Observation": {"status": "final", "code": {"text": "Height"}, "valueQuantity": {"value": 1}},
    "Encounter": {"status": "finished", "class": {"code": "AMB"}},
    "Binary": {"contentType": "text/plain", "data": "aGVsbG8="},
    "Parameters": {},
}
"""A resource of each type that is there under the id `known`, so that not all is 404."""


@pytest.fixture(scope="module")
def session(running: Server) -> Iterator[requests.Session]:
    with requests.Session() as session:
        session.headers["Authorization"] = f"Bearer {running.token}"
        yield session


def cases(operation: Any) -> st.SearchStrategy[Any]:
    """Requests within the schema and outside of it."""
    return st.one_of(*(operation.as_strategy(generation_mode=mode) for mode in GenerationMode))


@pytest.mark.slow
@pytest.mark.parametrize("name", OFFERED)
def test_no_request_breaks_the_server(
    name: str, running: Server, session: requests.Session
) -> None:
    type = name.partition(" ")[0]
    if type in KNOWN:
        resource = {"resourceType": type, "id": "known", **KNOWN[type]}
        media = {"Content-Type": "application/fhir+json"}
        session.put(f"{running.base}/{type}/known", json=resource, headers=media).raise_for_status()

    @settings(
        max_examples=EXAMPLES,
        phases=[Phase.generate],
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(case=cases(OFFERED[name]), known=st.booleans())
    def ask(case: schemathesis.Case, known: bool) -> None:
        if known and "id" in (case.path_parameters or {}):
            case.path_parameters["id"] = "known"
        answer = case.call(base_url=running.base, session=session)
        # An answer that was asked to be minimal has no body, which OpenAPI cannot say.
        minimal = not answer.content and answer.status_code in (200, 201)
        assert not minimal or "minimal" in case.headers["Prefer"]
        case.validate_response(answer, checks=CHECKS[:2] if minimal else CHECKS)

    ask()
