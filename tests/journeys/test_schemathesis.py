"""Requests that schemathesis makes up from the OpenAPI document, against a server as a user would
start it: it never fails inside, and answers as the document says."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.specs.openapi import checks as conformance

from tools.bench.server import Server

TYPES = ("Resource", "Patient", "Observation", "Encounter", "Appointment", "Binary", "Parameters")
EXAMPLES = 6


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

GRAPHQL = st.sampled_from(["{ id }", "{ Patient(id: known) { id name { family } } }", "{", ""])

for _media in ("application/fhir+xml", "application/xml-patch+xml"):
    schemathesis.openapi.media_type(_media, XML)
schemathesis.openapi.media_type("application/graphql", GRAPHQL.map(str.encode))

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
@pytest.mark.timeout(300)
@pytest.mark.parametrize("type", TYPES)
def test_no_request_breaks_the_server(
    type: str, running: Server, session: requests.Session
) -> None:
    """Of the type, every operation in the document that the server itself hands out."""
    site = running.base.removesuffix("/fhir")
    document = session.get(f"{site}/openapi.json", params={"type": type}).json()
    found = [each.ok() for each in schemathesis.openapi.from_dict(document).get_all_operations()]
    assert found
    for operation in found:
        if type in KNOWN:
            keep(type, running, session)
        bombard(operation, running, session)


def keep(type: str, running: Server, session: requests.Session) -> None:
    """Put the known resource (back) in place."""
    resource = {"resourceType": type, "id": "known", **KNOWN[type]}
    media = {"Content-Type": "application/fhir+json"}
    session.put(f"{running.base}/{type}/known", json=resource, headers=media).raise_for_status()


def bombard(operation: Any, running: Server, session: requests.Session) -> None:
    """Call one operation in many ways."""

    @settings(
        max_examples=EXAMPLES,
        phases=[Phase.generate],
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(case=cases(operation), known=st.booleans())
    def ask(case: schemathesis.Case, known: bool) -> None:
        if known and "id" in (case.path_parameters or {}):
            case.path_parameters["id"] = "known"
        answer = case.call(base_url=running.base, session=session)
        # An answer that was asked to be minimal has no body, which OpenAPI cannot say.
        minimal = not answer.content and answer.status_code in (200, 201)
        assert not minimal or "minimal" in case.headers["Prefer"]
        case.validate_response(answer, checks=CHECKS[:2] if minimal else CHECKS)

    ask()
