"""Spans of requests and of the steps of a write: what they are called, how they nest, and that
nothing of a patient is in them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from careplane.app import keys
from careplane.app.build import build
from careplane.app.operations import tracing
from careplane.app.operations.tracing import Tracing, Untraced
from careplane.app.settings import Settings
from tests.support import ROOT

pytestmark = pytest.mark.anyio
TRACE = "0af7651916cd43dd8448eb211c80319c"
ZEBEDEE = {"resourceType": "Patient", "id": "zebedee-1", "name": [{"family": "Zebedee"}]}
SECRETS = ("zebedee", "1931-13", "sesame")


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def spans() -> InMemorySpanExporter:
    return InMemorySpanExporter()


@pytest.fixture
async def http(
    tmp_path: Path, spans: InMemorySpanExporter, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[httpx.AsyncClient]:
    keys.create(tmp_path)
    monkeypatch.setattr(tracing, "opened", lambda environment: Tracing(SimpleSpanProcessor(spans)))
    here = build(Settings(data=tmp_path))
    token = here.tokens.issue(here.operator, 600)
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app=here.asgi),
        base_url="http://h.test/fhir/",
        headers={"authorization": f"Bearer {token}", "content-type": "application/fhir+json"},
    ) as client:
        yield client
    await here.close()


def _tree(spans: InMemorySpanExporter) -> dict[str, list[str]]:
    """The names of requests, and of their steps in the order of their ends."""
    found = spans.get_finished_spans()
    names = {span.context.span_id: span.name for span in found if span.context}
    roots: dict[str, list[str]] = {span.name: [] for span in found if not _inner(span, names)}
    for span in found:
        if span.parent and _inner(span, names):
            roots[names[span.parent.span_id]].append(span.name)
    return roots


def _inner(span: ReadableSpan, names: dict[int, str]) -> bool:
    return span.parent is not None and span.parent.span_id in names


async def test_a_write_has_its_steps_and_a_read_has_none(
    http: httpx.AsyncClient, spans: InMemorySpanExporter
) -> None:
    entry = {"resource": ZEBEDEE, "request": {"method": "POST", "url": "Patient"}}
    bundle = {"resourceType": "Bundle", "type": "transaction", "entry": [entry]}
    assert (await http.put("Patient/zebedee-1", json=ZEBEDEE)).status_code == 201
    assert (await http.get("Patient/zebedee-1")).status_code == 200
    assert (await http.post("", json=bundle)).status_code == 200
    tree = _tree(spans)
    assert tree["update"] == ["decide", "validate", "extract", "commit"]
    assert tree["read"] == []
    assert tree["transaction"][-2:] == ["validate and extract", "commit"]


async def test_a_span_is_part_of_the_clients_trace(
    http: httpx.AsyncClient, spans: InMemorySpanExporter
) -> None:
    parent = {"traceparent": f"00-{TRACE}-b7ad6b7169203331-01"}
    await http.get("Patient/zebedee-1", headers=parent)
    (span,) = spans.get_finished_spans()
    assert span.context is not None
    assert f"{span.context.trace_id:032x}" == TRACE
    assert dict(span.attributes or {}) == {"http.response.status_code": 404, "tenant": 1}


async def test_nobody_is_named(http: httpx.AsyncClient, spans: InMemorySpanExporter) -> None:
    await http.put("Patient/zebedee-1", json=ZEBEDEE)
    await http.put("Patient/zebedee-1", json=ZEBEDEE | {"birthDate": "1931-13-40"})
    await http.get("Patient?name=Zebedee&birthdate=1931-13&sesame=1")
    await http.get("Zebedee/zebedee-1", headers={"authorization": "Bearer sesame"})
    await http.get("Patient/zebedee-1/$sesame")
    said = "".join(span.to_json() for span in spans.get_finished_spans()).lower()
    assert [secret for secret in SECRETS if secret in said] == []
    failed = [s for s in spans.get_finished_spans() if "error.type" in (s.attributes or {})]
    assert [dict(span.attributes or {})["error.type"] for span in failed] == ["Invalid"]


def test_without_a_collector_nothing_is_in_the_way() -> None:
    none = tracing.opened({})

    async def app(*asgi: Any) -> None:
        """An application."""

    assert isinstance(none, Untraced)
    assert none.requests(app) is app
    code = (
        "import careplane.app.build, sys; "
        "print([name for name in sys.modules if name.startswith('opentelemetry')])"
    )
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "src")}
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) == []
