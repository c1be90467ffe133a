"""kill -9 in the middle of an export: another process goes on, and what comes out is the store as
it was when the export began, each resource once."""

from __future__ import annotations

import json
import re
import signal
import time
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from tools.bench import server

COUNT = 4000


def _call(
    running: server.Server, method: str, url: str, body: Any = None
) -> tuple[int, Any, dict[str, str]]:
    request = urllib.request.Request(
        url if url.startswith("http") else running.base + url,
        json.dumps(body).encode() if body is not None else None,
        {"Authorization": f"Bearer {running.token}", "Content-Type": "application/fhir+json"},
        method=method,
    )
    with urllib.request.urlopen(request, timeout=30) as answer:
        raw = answer.read()
        return answer.status, raw, {k.lower(): v for k, v in answer.headers.items()}


def _basic(number: int) -> dict[str, Any]:
    coding = {"system": "http://example.org/mark", "code": f"m{number}"}
    return {"resourceType": "Basic", "id": f"b{number}", "code": {"coding": [coding]}}


def _fill(running: server.Server) -> None:
    for first in range(0, COUNT, 1000):
        entries = [
            {"resource": _basic(n), "request": {"method": "PUT", "url": f"Basic/b{n}"}}
            for n in range(first, first + 1000)
        ]
        bundle = {"resourceType": "Bundle", "type": "transaction", "entry": entries}
        _call(running, "POST", "", bundle)


def _files(headers: dict[str, str]) -> int:
    found = re.search(r"in (\d+) files", headers["x-progress"])
    return int(found[1]) if found else 0


@pytest.mark.slow
def test_an_export_goes_on_after_a_kill(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(server.ENVIRONMENT, "CAREPLANE_BULK_PART_BYTES", "4000")
    data = tmp_path / "data"
    server.command("init", data=data)
    with server.serving(data) as running:
        _fill(running)
        _, _, headers = _call(running, "GET", "/$export?_type=Basic")
        path = headers["content-location"].removeprefix(running.base)
        before = 0
        while before < 5:
            status, _, headers = _call(running, "GET", path)
            assert status == 202, "the export is over before it could be interrupted"
            before = _files(headers)
        running.kill(signal.SIGKILL)
    with server.serving(data) as running:
        for number in range(0, COUNT, 10):
            _call(running, "DELETE", f"/Basic/b{number}")
            _call(running, "PUT", f"/Basic/b{number + 1}", _basic(-1) | {"id": f"b{number + 1}"})
        manifest = json.loads(_until_done(running, path))
        found = [
            json.loads(line)
            for item in manifest["output"]
            for line in _call(running, "GET", item["url"])[1].splitlines()
        ]
    assert len(manifest["output"]) > before
    assert sorted(one["id"] for one in found) == sorted(f"b{n}" for n in range(COUNT))
    assert {one["meta"]["versionId"] for one in found} == {"1"}


def _until_done(running: server.Server, path: str) -> bytes:
    for _ in range(600):
        status, raw, _ = _call(running, "GET", path)
        if status == 200:
            return raw  # type: ignore[no-any-return]
        time.sleep(0.1)
    raise AssertionError("The export is not finished.")
