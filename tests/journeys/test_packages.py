"""Packages by the command line: from a file, from a package server, into a backup, and away."""

from __future__ import annotations

import json
import shutil
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from tests.journeys.test_command_line import careplane, write
from tests.package_house import manifest, packed, profile, value_set
from tests.support import test_data

R4 = "hl7.fhir.r4.core#4.0.1"


@pytest.fixture
def data(tmp_path: Path) -> str:
    careplane("init", "--data", str(tmp_path / "data"))
    return str(tmp_path / "data")


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[tuple[str, Path]]:
    """The address of a package server, and its folder."""
    folder = tmp_path / "shop"
    folder.mkdir()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            name, _, version = self.path.removeprefix("/npm/").partition("/")
            found = {f.stem.rpartition("-")[2]: f for f in folder.glob(f"{name}-[0-9]*.tgz")}
            if name == "moved":
                self.send_response(302)
                self.send_header("location", "http://127.0.0.2:9/elsewhere")
                self.end_headers()
                return
            body = (
                found[version].read_bytes()
                if version
                else json.dumps({"name": name, "versions": {key: {} for key in found}}).encode()
            )
            self.send_response(200 if found else 404)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *words: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/npm", folder
        server.shutdown()


def here(data: str) -> list[str]:
    return sorted(
        line.split()[0] for line in careplane("package", "list", "--data", data).splitlines()
    )


def test_us_core_from_a_file_is_here_until_it_is_removed(data: str) -> None:
    file = str(test_data("us-core", "us_core_610.tgz"))
    said = careplane("package", "add", file, "--data", data)
    assert "added    hl7.fhir.us.core#6.1.0" in said
    assert "lacking  hl7.terminology.r4 5.0.0 of hl7.fhir.us.core#6.1.0" in said
    assert "here     hl7.fhir.us.core#6.1.0" in careplane("package", "add", file, "--data", data)
    (us_core,) = (
        one
        for one in json.loads(careplane("package", "list", "--data", data, "--json"))
        if not one["built_in"]
    )
    assert (us_core["title"], us_core["asked"]) == ("US Core Implementation Guide", True)
    assert "us.nlm.vsac" in us_core["lacks"]
    assert "removed  hl7.fhir.us.core#6.1.0" in careplane(
        "package", "remove", "hl7.fhir.us.core", "--data", data
    )
    assert here(data) == [R4]
    assert "no package" in careplane(
        "package", "remove", "hl7.fhir.us.core", "--data", data, code=1
    )


def test_a_package_and_its_dependencies_from_a_server(data: str, shop: tuple[str, Path]) -> None:
    address, folder = shop
    packed(folder, manifest("a.base", "1.0.0", {}), value_set("v"))
    packed(folder, manifest("a.guide", "2.0.0", {"a.base": "1.x"}), profile("p"))
    asked = ["package", "add", "a.guide#2.x", "--data", data]
    assert "no package server is configured" in careplane(*asked, code=1)
    said = careplane(*asked, "--server", address)
    assert [line.split() for line in said.splitlines()] == [
        ["added", "a.guide#2.0.0"],
        ["added", "a.base#1.0.0"],
    ]
    said = careplane("package", "add", "moved", "--data", data, code=1,
                     CAREPLANE_PACKAGE_SERVER=address)  # fmt: skip
    assert "https" in said
    said = careplane("package", "add", "a.none", "--data", data, "--server", address, code=1)
    assert "has no package a.none" in said
    assert here(data) == ["a.base#1.0.0", "a.guide#2.0.0", R4]
    careplane("package", "remove", "a.base", "--data", data, code=1)
    careplane("package", "remove", "a.guide@2.0.0", "--data", data)
    assert here(data) == [R4]


def test_packages_are_in_a_backup(data: str, tmp_path: Path) -> None:
    file = packed(tmp_path, manifest("a.base", "1.0.0", {}), value_set("v"))
    careplane("package", "add", str(file), "--data", data)
    saved, again = str(tmp_path / "saved"), str(tmp_path / "again")
    careplane("backup", saved, "--data", data)
    careplane("restore", saved, "--data", again, "--key", f"{data}/careplane.key")
    assert here(again) == ["a.base#1.0.0", R4]


def test_what_is_no_package_is_said(data: str, tmp_path: Path) -> None:
    bad = tmp_path / "bad.tgz"
    bad.write_bytes(b"no package")
    said = careplane("package", "add", str(bad), "--data", data, code=1)
    assert said == "careplane: bad.tgz is no FHIR package: it is not a tar file in gzip.\n"
    said = careplane("package", "add", str(tmp_path / "none.tgz"), "--data", data, code=1)
    assert "cannot be read" in said
    said = careplane("package", "add", "../x", "--data", data, "--server", "nonsense", code=1)
    assert "such as https://packages.fhir.org" in said
    assert not (Path(data) / "packages.sqlite").exists()
    shutil.rmtree(data)


def test_an_institution_has_a_policy_of_its_own(data: str, tmp_path: Path) -> None:
    named = "http://a.test/StructureDefinition/named"
    element = [{"id": "Patient", "path": "Patient"},
               {"id": "Patient.name", "path": "Patient.name", "min": 1}]  # fmt: skip
    file = packed(
        tmp_path,
        manifest("a.guide"),
        profile("named", "Patient", differential={"element": element}),
    )
    careplane("package", "add", str(file), "--data", data)
    policy = f"Patient=enforce:{named}"
    careplane("tenant", "add", "clinic", "--profiles", policy, "--data", data)
    shown = json.loads(careplane("tenant", "show", "clinic", "--data", data, "--json"))
    assert shown["profiles"] == policy
    nameless = write(tmp_path / "p.json", {"resourceType": "Patient", "id": "p"})
    put = ["fhir", "put", str(nameless), "--data", data]
    said = careplane(*put, "--tenant", "clinic", code=1)
    assert f"(by {named}#Patient.name) (Patient.name)" in said
    careplane(*put)
    said = careplane(*put, code=1, CAREPLANE_PROFILES="*=strict")
    assert "'strict' is no mode: use off, warn, enforce" in said
    wrong = ["tenant", "set", "clinic", "--profiles", "Patients=warn", "--data", data]
    assert "begins with a resource type" in careplane(*wrong, code=1)
    careplane("tenant", "set", "clinic", "--profiles", "", "--data", data)
    careplane(*put, "--tenant", "clinic")
