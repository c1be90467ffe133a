"""Commands that are forked from a process that knows careplane already."""

from __future__ import annotations

import os
import socket
import subprocess
from pathlib import Path

import pytest

from tools import warm
from tools.bench.server import until_open


def test_each_has_words_streams_a_code_and_an_environment_of_its_own(tmp_path: Path) -> None:
    data = {**os.environ, "CAREPLANE_DATA": str(tmp_path / "data")}
    assert warm.run(["init"], data).returncode == 0
    assert (tmp_path / "data" / "careplane.key").exists()
    patient = b'{"resourceType": "Patient", "id": "p"}'
    stored = warm.run(["fhir", "put", "-"], data, stdin=patient)
    assert (stored.returncode, stored.stderr) == (0, b"")
    assert b'"versionId": "1"' in stored.stdout
    elsewhere = {**data, "CAREPLANE_DATA": str(tmp_path / "other")}
    refused = warm.run(["fhir", "get", "Patient/p"], elsewhere)
    assert (refused.returncode, refused.stdout) == (1, b"")
    assert b"careplane: " in refused.stderr
    assert warm.run(["nonsense"], data).returncode == 2


def test_one_that_takes_too_long_is_killed(tmp_path: Path) -> None:
    data = {**os.environ, "CAREPLANE_DATA": str(tmp_path / "data")}
    warm.run(["init"], data)
    os.mkfifo(tmp_path / "p.json")  # which nobody ever writes to
    with pytest.raises(subprocess.TimeoutExpired):
        warm.run(["fhir", "put", str(tmp_path / "p.json")], data, timeout=0.5)
    assert warm.run(["version"], data).returncode == 0


def test_one_that_goes_on_is_handled_as_a_process(tmp_path: Path) -> None:
    data = {**os.environ, "CAREPLANE_DATA": str(tmp_path / "data")}
    warm.run(["init"], data)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    started = warm.start(["serve", "--port", str(port)], data)
    until_open(started, port)
    assert started.poll() is None
    with pytest.raises(subprocess.TimeoutExpired):
        started.wait(0)
    started.terminate()
    assert started.wait(30) == 0
    started.kill()  # which is too late, and hits nobody else
    assert started.poll() == 0
