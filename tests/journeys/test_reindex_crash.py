"""kill -9 while a reindex goes on: another process carries it to its end, and nothing is missed."""

from __future__ import annotations

import json
import signal
import time
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from tools.bench import server

RESOURCES = 3_000
SECONDS = 60.0


def _ask(running: server.Server, method: str, path: str, body: Any = None) -> dict[str, Any]:
    data = None if body is None else json.dumps(body).encode()
    headers = {
        "authorization": f"Bearer {running.token}",
        "content-type": "application/fhir+json",
    }
    request = urllib.request.Request(running.base + path, data, headers, method=method)
    with urllib.request.urlopen(request, timeout=60) as answer:
        return json.loads(answer.read())  # type: ignore[no-any-return]


def _fill(running: server.Server) -> None:
    for start in range(0, RESOURCES, 500):
        entries = [
            {
                "resource": {
                    "resourceType": "Basic",
                    "id": str(n),
                    "code": {"text": f"text {n % 10}"},
                },
                "request": {"method": "PUT", "url": f"Basic/{n}"},
            }
            for n in range(start, start + 500)
        ]
        _ask(running, "POST", "", {"resourceType": "Bundle", "type": "batch", "entry": entries})


DEFINING = {
    "resourceType": "SearchParameter",
    "id": "said",
    "url": "http://example.org/SearchParameter/said",
    "name": "said",
    "status": "active",
    "description": "By the text of the code.",
    "code": "said",
    "base": ["Basic"],
    "type": "string",
    "expression": "Basic.code.text",
}


def _job(running: server.Server, id: str) -> dict[str, Any]:
    answer = _ask(running, "GET", f"/$reindex?id={id}")
    return {p["name"]: next(v for k, v in p.items() if k != "name") for p in answer["parameter"]}


def _until(running: server.Server, id: str, what: Any) -> dict[str, Any]:
    ends = time.monotonic() + SECONDS
    while time.monotonic() < ends:
        found = _job(running, id)
        if what(found):
            return found
        time.sleep(0.02)
    raise AssertionError(found)


@pytest.mark.timeout(180)
def test_a_reindex_outlives_a_kill(tmp_path: Path) -> None:
    data = tmp_path / "data"
    server.command("init", data=data)
    with server.serving(data) as running:
        _fill(running)
        _ask(running, "PUT", "/SearchParameter/said", DEFINING)
        started = _ask(running, "POST", "/$reindex")
        id = next(p["valueId"] for p in started["parameter"] if p["name"] == "id")
        begun = _until(running, id, lambda job: job["visited"] >= 300)
        assert begun["state"] == "walking", "too few resources to kill it on the way"
        running.kill(signal.SIGKILL)
    with server.serving(data) as running:
        at = _job(running, id)
        assert at["state"] in ("walking", "looking")
        assert at["visited"] >= begun["visited"]
        done = _until(running, id, lambda job: job["state"] in ("done", "failed"))
        assert done["state"] == "done"
        assert (done["visited"], done["failed"]) == (RESOURCES, 0)
        assert done["changed"] + done["same"] == RESOURCES
        found = _ask(running, "GET", "/Basic?said=text%203&_summary=count")
        assert found["total"] == RESOURCES // 10
    again = json.loads(server.command("reindex", "--json", data=data))
    assert (again["state"], again["changed"], again["visited"]) == ("done", 0, RESOURCES + 1)
