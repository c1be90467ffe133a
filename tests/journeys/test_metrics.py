"""What Prometheus sees of a server at work, and that nothing of a patient is in it."""

from __future__ import annotations

import json
import os
import re
import signal
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from tools.bench import server
from tools.bench.server import Server

SECRETS = ("Zebedee", "zebedee-1", "1931-05-07", "8302-2", "nonsense", "urn:uuid", "sesame")


@pytest.fixture
def data(tmp_path: Path) -> Path:
    server.command("init", data=tmp_path / "data")
    return tmp_path / "data"


def ask(running: Server, method: str, path: str, body: object = None, token: str = "") -> int:
    headers = {
        "Authorization": f"Bearer {token or running.token}",
        "Content-Type": "application/fhir+json",
    }
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(running.base + path, data, headers, method=method)
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        with error:
            return error.code


def scrape(port: int) -> str:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=20) as answer:
        text: str = answer.read().decode()
        return text


def value(text: str, sample: str) -> float:
    found = re.search(rf"^{re.escape(sample)} (\S+)$", text, re.MULTILINE)
    return float(found[1]) if found else 0.0


def requests(interaction: str, status: str, tenant: int = 1) -> str:
    labels = f'interaction="{interaction}",status="{status}",tenant="{tenant}"'
    return f"careplane_requests_total{{{labels}}}"


def _journey(running: Server) -> None:
    """Every kind of answer, with names that would be known again."""
    patient = {
        "resourceType": "Patient",
        "id": "zebedee-1",
        "name": [{"family": "Zebedee"}],
        "birthDate": "1931-05-07",
    }
    entry = {"resource": patient, "request": {"method": "POST", "url": "Patient"}}
    bundle = {"resourceType": "Bundle", "type": "transaction", "entry": [entry] * 3}
    assert ask(running, "PUT", "/Patient/zebedee-1", patient) == 201
    assert ask(running, "GET", "/Patient/zebedee-1") == 200
    assert ask(running, "GET", "/Patient?name=Zebedee&birthdate=1931-05-07") == 200
    assert ask(running, "GET", "/Observation?code=8302-2&nonsense=sesame") == 200
    assert ask(running, "POST", "", bundle) == 200
    assert ask(running, "GET", "/Patient/zebedee-1/$everything") == 200
    assert ask(running, "GET", "/Patient/zebedee-1/$nonsense") == 404
    assert ask(running, "GET", "/Zebedee/zebedee-1") == 404
    assert ask(running, "GET", "/Patient/zebedee-1", token="sesame") == 401


def test_a_journey_is_counted_and_nobody_is_named(data: Path) -> None:
    port = server.free_port()
    with server.serving(data, settings={"CAREPLANE_METRICS_PORT": str(port)}) as running:
        before = scrape(port)
        _journey(running)
        text = scrape(port)
    assert value(text, requests("update", "2xx")) == 1
    assert value(text, requests("read", "2xx")) == 1
    found = requests("search-type", "2xx")
    assert value(text, found) - value(before, found) == 2
    assert value(text, requests("transaction", "2xx")) == 1
    assert value(text, requests("$everything", "2xx")) == 1
    assert value(text, requests("unknown", "4xx")) == 2
    assert value(text, requests("unknown", "4xx", tenant=0)) == 1
    assert value(text, 'careplane_entries_total{tenant="1"}') == 3
    assert value(text, 'careplane_versions_total{method="POST",tenant="1"}') == 3
    assert value(text, 'careplane_versions_total{method="PUT",tenant="1"}') == 1
    assert value(text, 'careplane_memory_bytes{process="worker"}') > 1e7
    assert value(text, 'careplane_memory_bytes{process="helper"}') > 1e7
    for secret in SECRETS:
        assert secret.lower() not in text.lower(), secret


def test_workers_are_summed(data: Path) -> None:
    port = server.free_port()
    settings = {"CAREPLANE_METRICS_PORT": str(port)}
    with server.serving(data, workers=2, settings=settings) as running:
        for _ in range(30):
            assert ask(running, "GET", "/Patient/nobody") == 404
        text = scrape(port)
    assert value(text, requests("read", "4xx")) == 30


def test_counters_go_on_when_a_worker_is_started_anew(data: Path) -> None:
    port = server.free_port()
    with server.serving(data, settings={"CAREPLANE_METRICS_PORT": str(port)}) as running:
        _journey(running)
        os.kill(running.process.pid, signal.SIGHUP)
        end = time.monotonic() + 20
        while value(scrape(port), requests("read", "2xx")) < 2:
            ask(running, "GET", "/Patient/zebedee-1")
            assert time.monotonic() < end
        assert value(scrape(port), requests("update", "2xx")) == 1


def test_a_port_that_is_taken_is_named(data: Path) -> None:
    with (
        server.serving(data) as running,
        pytest.raises(SystemExit, match="code 1"),
        server.serving(data, settings={"CAREPLANE_METRICS_PORT": running.base.split(":")[2][:-5]}),
    ):
        pass
