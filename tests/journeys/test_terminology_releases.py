"""A release by the command line: loaded, served, replaced, in a backup, and away."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests import release_files as made
from tests.journeys.test_command_line import careplane
from tests.release_files import CARDIAC, SCT, STENOSIS

TABLE = ["-o", "url=http://a.test/codes", "-o", "separator=;", "-o", "code=Id",
         "-o", "display=Bezeichnung", "-o", "parent=Über"]  # fmt: skip


@pytest.fixture
def data(tmp_path: Path) -> str:
    folder = str(tmp_path / "data")
    careplane("init", "--data", folder)
    return folder


def here(data: str) -> dict[str, int]:
    found = json.loads(careplane("terminology", "list", "--data", data, "--json"))
    return {one["url"]: one["concepts"] for one in found}


def test_a_release_is_loaded_searched_by_and_removed(data: str, tmp_path: Path) -> None:
    release = str(made.snomed(tmp_path / "rf2"))
    said = careplane("terminology", "load", "snomed", release, "--data", data)
    assert said.startswith(f"{SCT}|{SCT}/900000000000207008/version/20260301: 17 concepts")
    path = tmp_path / "condition.json"
    path.write_text(json.dumps({
        "resourceType": "Condition", "id": "c", "subject": {"reference": "Patient/p"},
        "code": {"coding": [{"system": SCT, "code": STENOSIS}]},
    }))  # fmt: skip
    careplane("fhir", "put", str(path), "--data", data)
    asked = ["fhir", "search", "Condition", f"code:below={SCT}|{CARDIAC}", "--data", data]
    assert [e["resource"]["id"] for e in json.loads(careplane(*asked))["entry"]] == ["c"]
    assert "removed" in careplane("terminology", "remove", SCT, "--data", data)
    assert here(data) == {}
    assert "hierarchy of this system" in careplane(*asked, code=1)
    assert "There is no" in careplane("terminology", "remove", SCT, "--data", data, code=1)


def test_the_same_version_is_replaced_and_a_broken_one_changes_nothing(
    data: str, tmp_path: Path
) -> None:
    table = made.table(tmp_path / "table")
    load = ["terminology", "load", "csv", str(table), *TABLE, "--data", data]
    careplane(*load)
    assert here(data) == {"http://a.test/codes": 2}
    lines = "Id;Bezeichnung;English;Über;Farbe;Weg\nC;Drittes;;C;;\n"
    (table / "codes.csv").write_text(lines)
    assert "cycle" in careplane(*load, code=1)
    assert here(data) == {"http://a.test/codes": 2}
    (table / "codes.csv").write_text(lines.replace(";C;;", ";;;"))
    careplane(*load)
    assert here(data) == {"http://a.test/codes": 1}
    assert not list(Path(data).glob("terminology-*"))


def test_releases_are_in_a_backup(data: str, tmp_path: Path) -> None:
    careplane("terminology", "load", "ucum", str(made.ucum(tmp_path / "u")), "--data", data)
    careplane("backup", str(tmp_path / "copy"), "--data", data)
    again = tmp_path / "again"
    key = str(Path(data) / "careplane.key")
    careplane("restore", str(tmp_path / "copy"), "--data", str(again), "--key", key)
    assert here(str(again)) == {"http://unitsofmeasure.org/ucum-essence": 2}


def test_what_is_wrong_is_said(data: str, tmp_path: Path) -> None:
    load = ["terminology", "load", "--data", data]
    assert "there are atc, csv" in careplane(*load, "icd9", str(tmp_path), code=1)
    assert "has no file" in careplane(*load, "snomed", str(tmp_path), code=1)
    assert "name=value" in careplane(*load, "ucum", str(tmp_path), "-o", "x", code=2)
