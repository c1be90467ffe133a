"""A server that is told to go: it says so, ends what is under way, and loses nothing."""

from __future__ import annotations

import json
import socket
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from tools.bench import server

DRAIN = "1.5"
BODY = json.dumps({"resourceType": "Basic", "id": "late", "code": {"text": "x"}}).encode()


@pytest.fixture
def data(tmp_path: Path) -> Path:
    server.command("init", data=tmp_path / "data")
    return tmp_path / "data"


def probe(running: server.Server, path: str) -> tuple[int, Any]:
    base = running.base.removesuffix("/fhir")
    try:
        with urllib.request.urlopen(base + path, timeout=5) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.load(error)


def begin_to_put(running: server.Server) -> socket.socket:
    """A request whose body comes slowly: half of it now."""
    host, port = running.base.split("/")[2].split(":")
    head = (
        f"PUT /fhir/Basic/late HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {running.token}"
        f"\r\nContent-Type: application/fhir+json\r\nContent-Length: {len(BODY)}\r\n\r\n"
    )
    link = socket.create_connection((host, int(port)), timeout=20)
    link.sendall(head.encode() + BODY[:20])
    return link


def listens(running: server.Server) -> bool:
    host, port = running.base.split("/")[2].split(":")
    try:
        socket.create_connection((host, int(port)), timeout=5).close()
    except OSError:
        return False
    return True


def until(what: str, holds: Any) -> None:
    end = time.monotonic() + 15
    while not holds():
        assert time.monotonic() < end, what
        time.sleep(0.02)


def test_it_says_no_first_then_ends_what_is_under_way(data: Path) -> None:
    with server.serving(data, settings={"CAREPLANE_DRAIN_SECONDS": DRAIN}) as running:
        assert probe(running, "/readyz")[0] == 200
        with begin_to_put(running) as slow:
            running.process.terminate()
            until("it says no", lambda: probe(running, "/readyz")[0] == 503)
            assert probe(running, "/readyz")[1]["checks"]["traffic"] == "draining"
            assert probe(running, "/livez")[0] == 200
            until("it stops to listen", lambda: not listens(running))
            assert running.process.poll() is None
            slow.sendall(BODY[20:])
            assert slow.recv(100).startswith(b"HTTP/1.1 201")
        assert running.process.wait(10) == 0
    with server.serving(data) as running:
        assert [one["id"] for one in server.search(running, "/Basic")] == ["late"]


def test_a_request_that_never_ends_does_not_hold_it_for_ever(data: Path) -> None:
    with (
        server.serving(data, settings={"CAREPLANE_GRACE_SECONDS": "1"}) as running,
        begin_to_put(running),
    ):
        time.sleep(0.2)
        began = time.monotonic()
        running.process.terminate()
        running.process.wait(10)
        assert 0.9 < time.monotonic() - began < 6


def test_a_second_signal_shortens_the_wait(data: Path) -> None:
    with server.serving(data, settings={"CAREPLANE_DRAIN_SECONDS": "60"}) as running:
        running.process.terminate()
        until("it says no", lambda: probe(running, "/readyz")[0] == 503)
        running.process.terminate()
        assert running.process.wait(10) == 0
