"""The OpenAPI document says what the tables of the server say, no more and no less."""

from __future__ import annotations

import gzip
import json
from collections import Counter
from typing import Any

import httpx
import pytest
from openapi_spec_validator import validate

from careplane.app.answering import OPERATIONS
from careplane.fhir.definitions import RESOURCE_TYPES
from careplane.kernel.errors import NotFound
from careplane.rest.interactions import graphql
from careplane.rest.openapi import OpenApi
from careplane.rest.openapi.interactions import INTERACTIONS
from careplane.rest.openapi.parts import REFUSALS
from careplane.rest.openapi.serve import serve
from careplane.rest.operation import Operation, definition
from careplane.rest.outcome import STATUS
from careplane.rest.routes import ROUTES
from careplane.search.kinds import modifiers_of
from careplane.search.registry import r4_registry

REGISTRY = r4_registry()
API = OpenApi(REGISTRY, OPERATIONS, "https://records.example.org/fhir")
METHODS = ("get", "post", "put", "patch", "delete")


def tree(type: str = "") -> dict[str, Any]:
    found: dict[str, Any] = json.loads((API.of(type) if type else API.whole()).plain)
    return found


def test_every_route_is_described_and_no_other() -> None:
    offered = {shape: set(methods) - {"HEAD"} for shape, methods in ROUTES.items()}
    assert {shape: set(methods) for shape, methods in INTERACTIONS.items()} == offered


def test_every_status_of_an_error_is_described() -> None:
    assert {int(status) for status in REFUSALS} == {*STATUS.values(), 405}


@pytest.mark.parametrize("type", ["Resource", "Patient", "Observation", "Parameters", "Binary"])
def test_a_part_is_valid_openapi(type: str) -> None:
    validate(tree(type))


def test_the_whole_has_each_type_and_no_operation_twice() -> None:
    paths = tree()["paths"]
    assert {f"/{type}/{{id}}" for type in RESOURCE_TYPES} <= set(paths)
    named = Counter(item[m]["operationId"] for item in paths.values() for m in METHODS if m in item)
    assert [name for name, times in named.items() if times > 1] == []


def test_bodies_and_answers_that_are_no_resources_are_described() -> None:
    api = OpenApi(REGISTRY, graphql.operations(lambda: 0), "https://records.example.org/fhir")
    path = json.loads(api.whole().plain)["paths"]["/Patient/{id}/$graphql"]
    assert {"application/graphql", "application/json"} <= set(
        path["post"]["requestBody"]["content"]
    )
    for method in ("get", "post"):
        assert set(path[method]["responses"]["200"]["content"]) == {"application/json"}


def test_every_reference_leads_somewhere() -> None:
    whole = tree()

    def walk(value: Any) -> None:
        if isinstance(value, list):
            for each in value:
                walk(each)
        elif isinstance(value, dict):
            if "$ref" in value:
                _, kind, group, name = value["$ref"].split("/")
                assert name in whole[kind][group], value["$ref"]
            for each in value.values():
                walk(each)

    walk(whole)


def test_search_parameters_are_those_of_the_registry_with_their_modifiers() -> None:
    part = tree("Observation")
    known = part["components"]["parameters"]
    refs = [
        p["$ref"].rpartition("/")[2] for p in part["paths"]["/Observation"]["get"]["parameters"]
    ]
    by_name = {known[ref]["name"]: known[ref] for ref in refs}
    parameters = REGISTRY.of("Observation")
    assert {p.code for p in parameters} <= set(by_name)
    for parameter in parameters:
        text = by_name[parameter.code]["description"]
        assert all(f":{name}" in text for name in modifiers_of(parameter)), parameter.code
    assert {"_include", "_sort", "_count", "Prefer"} <= set(by_name)


def test_patches_conditions_and_operations_are_there() -> None:
    paths = tree("Patient")["paths"]
    media = set(paths["/Patient/{id}"]["patch"]["requestBody"]["content"])
    assert media == {
        "application/json-patch+json", "application/xml-patch+xml",
        "application/fhir+json", "application/fhir+xml",
    }  # fmt: skip
    names = {p["$ref"].rpartition("/")[2] for p in paths["/Patient"]["post"]["parameters"]}
    assert {"If-None-Exist", "Prefer-return"} <= names
    assert "get" in paths["/Patient/{id}/$everything"]
    assert "/Encounter/$everything" not in tree("Encounter")["paths"], "not offered there"
    assert "get" not in paths["/Patient/{id}/$meta-add"], "what changes something is no GET"
    assert "/Patient/{id}/{type}" in paths, "the compartment"


def test_an_operation_says_what_it_takes_and_how_it_answers() -> None:
    graph = tree("Patient")["paths"]["/Patient/{id}/$graphql"]["post"]
    assert set(graph["responses"]["400"]["content"]) >= {
        "application/fhir+json",
        "application/json",
    }
    begun = Operation(definition("Resource-meta"), OPERATIONS[0].handler, statuses=(202,))
    paths = json.loads(OpenApi(REGISTRY, (begun,)).of("Patient").plain)["paths"]
    answers = paths["/Patient/{id}/$meta"]["get"]["responses"]
    assert "200" not in answers
    assert set(answers["202"]["headers"]) == {"Content-Location"}


def test_what_is_no_type_has_no_part() -> None:
    with pytest.raises(NotFound):
        API.of("Patients")


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.mark.anyio
async def test_it_is_served_with_a_tag_and_compressed() -> None:
    transport = httpx.ASGITransport(app=serve(API))
    async with httpx.AsyncClient(transport=transport, base_url="http://h.test") as http:
        first = await http.get("/openapi.json?type=Patient")
        assert first.status_code == 200
        assert first.headers["content-encoding"] == "gzip"
        assert first.content == gzip.decompress(API.of("Patient").packed)
        plain = await http.get(
            "/openapi.json?type=Patient", headers={"accept-encoding": "identity"}
        )
        assert plain.content == first.content
        again = {"if-none-match": first.headers["etag"]}
        assert (await http.get("/openapi.json?type=Patient", headers=again)).status_code == 304
        head = await http.head("/openapi.json")
        assert head.content == b""


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("method", "query", "status"),
    [("GET", "type=Nothing", 404), ("GET", "kind=x", 400), ("GET", "type=A&type=B", 400),
     ("POST", "", 405), ("GET", "&".join("a=1" for _ in range(99)), 400)],
)  # fmt: skip
async def test_what_is_asked_wrongly_is_refused_in_words(
    method: str, query: str, status: int
) -> None:
    transport = httpx.ASGITransport(app=serve(API))
    async with httpx.AsyncClient(transport=transport, base_url="http://h.test") as http:
        answer = await http.request(method, f"/openapi.json?{query}")
    assert answer.status_code == status
    assert answer.json()["resourceType"] == "OperationOutcome"
