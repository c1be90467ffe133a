"""A server sends its spans to a collector, by the variable that OpenTelemetry names."""

from __future__ import annotations

import json
import threading
import urllib.request
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from tools.bench import server


class Collector(HTTPServer):
    """Keeps what is sent to it."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.got: list[tuple[str, bytes]] = []


class _Handler(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        assert isinstance(self.server, Collector)
        body = self.rfile.read(int(self.headers["content-length"]))
        self.server.got.append((self.path, body))
        self.send_response(200)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Tests are quiet."""


@pytest.fixture
def collector() -> Iterator[Collector]:
    collector = Collector()
    thread = threading.Thread(target=collector.serve_forever)
    thread.start()
    yield collector
    collector.shutdown()
    thread.join()
    collector.server_close()


def test_spans_reach_a_collector_before_the_server_ends(
    tmp_path: Path, collector: Collector
) -> None:
    data = tmp_path / "data"
    server.command("init", data=data)
    settings = {
        "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{collector.server_port}",
        "OTEL_EXPORTER_OTLP_COMPRESSION": "none",
    }
    with server.serving(data, settings=settings) as running:
        patient = {"resourceType": "Patient", "name": [{"family": "Zebedee"}]}
        request = urllib.request.Request(
            f"{running.base}/Patient",
            json.dumps(patient).encode(),
            {"Authorization": f"Bearer {running.token}", "Content-Type": "application/fhir+json"},
        )
        with urllib.request.urlopen(request, timeout=20) as answer:
            assert answer.status == 201
    assert {path for path, _ in collector.got} == {"/v1/traces"}
    sent = b"".join(body for _, body in collector.got)
    for name in (b"create", b"decide", b"validate", b"extract", b"commit", b"careplane"):
        assert name in sent
    assert b"Zebedee" not in sent
