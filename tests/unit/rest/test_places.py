"""Addresses of tenants: what a request asks for, and what goes out."""

from __future__ import annotations

from typing import Any

import pytest

from careplane.rest.addressing import OWN, PLACE, Addressing, Place
from careplane.rest.oauth.addresses import addresses
from careplane.storage.ports.records import Tenant

BELOW = Place(Tenant(2), "/t/south")
HOSTED = Place(Tenant(2), "", "records.south.example")


@pytest.mark.parametrize(
    ("url", "place", "base"),
    [
        ("", OWN, "http://asked:8080/fhir"),
        ("", BELOW, "http://asked:8080/t/south/fhir"),
        ("", HOSTED, "http://asked:8080/fhir"),
        ("https://main.example/", OWN, "https://main.example/fhir"),
        ("https://main.example", BELOW, "https://main.example/t/south/fhir"),
        ("https://main.example:8443", HOSTED, "https://records.south.example/fhir"),
    ],
)
def test_a_base(url: str, place: Place, base: str) -> None:
    scope: dict[str, Any] = {"scheme": "http", PLACE: place}
    assert Addressing(url).base(scope, {b"host": b"asked:8080"}) == base
    assert Addressing(url).known(place) == (base if url else "")


@pytest.mark.parametrize(
    ("headers", "trust", "host"),
    [
        ({b"host": b"Records.South.example:8080"}, False, "records.south.example"),
        ({b"host": b"records.south.example."}, False, "records.south.example"),
        ({b"host": b"[::1]:8080"}, False, ""),
        ({b"host": b"127.0.0.1"}, False, "127.0.0.1"),
        ({}, False, ""),
        ({b"host": b"a", b"x-forwarded-host": b"b.example, c.example"}, False, "a"),
        ({b"host": b"a", b"x-forwarded-host": b"b.example, c.example"}, True, "b.example"),
        ({b"host": b"a"}, True, "a"),
    ],
)
def test_a_host(headers: dict[bytes, bytes], trust: bool, host: str) -> None:
    assert Addressing(trust_proxy=trust).host(headers) == host


@pytest.mark.parametrize(
    ("base", "audience"),
    [
        ("http://localhost:8080/t/south/fhir", "http://localhost:8080/t/south/oauth/token"),
        ("http://127.0.0.1/fhir", "http://127.0.0.1/oauth/token"),
        ("http://localhost.evil.example/fhir", ""),
        ("http://localhost@evil.example/t/south/fhir", ""),
        ("http://hospital.example/t/south/fhir", ""),
    ],
)
def test_an_audience_that_only_a_request_says(base: str, audience: str) -> None:
    found = addresses(Addressing(), base)
    assert found.audience == audience
    assert found.token == base.removesuffix("/fhir") + "/oauth/token"
