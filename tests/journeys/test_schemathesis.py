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


@pytest.fixture(scope="module")
def session() -> Iterator[requests.Session]:
    with requests.Session() as session:
        yield session


@pytest.mark.slow
@pytest.mark.parametrize("name", OFFERED)
def test_no_request_breaks_the_server(
    name: str, running: Server, session: requests.Session
) -> None:
    headers = {"Authorization": f"Bearer {running.token}"}

    @settings(
        max_examples=EXAMPLES,
        phases=[Phase.generate],
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(case=OFFERED[name].as_strategy())
    def ask(case: schemathesis.Case) -> None:
        answer = case.call(base_url=running.base, headers=headers, session=session)
        case.validate_response(answer, checks=CHECKS)

    ask()
