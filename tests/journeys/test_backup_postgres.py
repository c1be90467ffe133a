"""As test_backup, for records that are in PostgreSQL."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests import postgres
from tests.journeys.test_backup import ENTRIES, until, writing
from tests.journeys.test_command_line import careplane, patient, write
from tools.bench import server

FILES = ["version.sealed", "resource.sealed", "audit.sealed", "state.sealed", "tables.sealed"]


@pytest.fixture
def database() -> str:
    return postgres.url()


@pytest.fixture
def data(tmp_path: Path) -> Path:
    careplane("init", "--data", str(tmp_path / "data"))
    return tmp_path / "data"


@dataclass(frozen=True)
class Hospital:
    """A data folder whose records are in a database, and a backup of them."""

    data: Path
    database: str
    saved: Path


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Hospital:
    """Three patients, one of whom was changed, and one deleted one."""
    folder = tmp_path_factory.mktemp("kept")
    made = Hospital(folder / "data", postgres.url(), folder / "saved")
    careplane("init", "--data", str(made.data))
    where = ("--data", str(made.data), "--database", made.database)
    people = [patient(f"p{n}", name=[{"family": f"Ünal {n}"}]) for n in range(4)]
    careplane("import", str(write(folder / "p.ndjson", *people)), *where)
    changed = patient("p0", name=[{"family": "Ünal 0"}], birthDate="1970-01-02")
    careplane("fhir", "put", str(write(folder / "q.json", changed)), *where)
    careplane("fhir", "delete", "Patient/p3", *where)
    careplane("backup", str(made.saved), *where)
    return made


@pytest.fixture
def hospital(kept: Hospital, tmp_path: Path) -> Hospital:
    """A copy of its files, to be done with as one likes."""
    for one in (kept.data, kept.saved):
        shutil.copytree(one, tmp_path / one.name)
    return Hospital(tmp_path / "data", kept.database, tmp_path / "saved")


def restore(of: Hospital, to: Path, database: str, *words: str, code: int = 0) -> str:
    key = ("--key", str(of.data / "careplane.key"))
    where = ("--data", str(to), "--database", database)
    return careplane("restore", str(of.saved), *key, *where, *words, code=code)


def test_a_backup_comes_back_whole(hospital: Hospital, tmp_path: Path) -> None:
    new, other = tmp_path / "new", postgres.url()
    said = json.loads(restore(hospital, new, other, "--json"))
    assert said["resources"] == {"Patient": 3}
    assert said["versions"] == said["newest"] == 6
    where = ("--data", str(new), "--database", other)
    found = json.loads(careplane("fhir", "search", "Patient", "birthdate=1970-01-02", *where))
    assert [entry["resource"]["id"] for entry in found["entry"]] == ["p0"]
    before = json.loads(careplane("fhir", "get", "Patient/p0/_history", *where))
    assert [entry["resource"]["meta"]["versionId"] for entry in before["entry"]] == ["2", "1"]
    careplane("fhir", "put", str(write(tmp_path / "r.json", patient("r"))), *where)
    careplane("doctor", *where)
    again = json.loads(careplane("backup", str(tmp_path / "again"), *where, "--json"))
    assert again["versions"] == again["newest"] == 7
    assert again["audit"] > said["audit"]


def test_nothing_is_readable_in_it(hospital: Hospital) -> None:
    for path in hospital.saved.iterdir():
        raw = path.read_bytes()
        assert "Ünal".encode() not in raw
        assert b"1970-01-02" not in raw
    assert {path.stat().st_mode & 0o077 for path in hospital.saved.iterdir()} == {0}


def test_nothing_is_written_over(hospital: Hospital, tmp_path: Path) -> None:
    new = tmp_path / "new"
    assert "in use already" in restore(hospital, new, hospital.database, code=1)
    assert not new.exists()
    where = ("--data", str(hospital.data), "--database", hospital.database)
    assert "p2" in careplane("fhir", "get", "Patient/p2", *where)


def test_engines_are_not_mixed_up(hospital: Hospital, tmp_path: Path) -> None:
    data, saved = hospital.data, hospital.saved
    key = ("--key", str(data / "careplane.key"))
    new = ("--data", str(tmp_path / "new"))
    assert "--database" in careplane("restore", str(saved), *key, *new, code=1)
    careplane("fhir", "put", str(write(tmp_path / "r.json", patient("r"))), "--data", str(data))
    careplane("backup", str(tmp_path / "folder"), "--data", str(data))
    other = ("--database", postgres.url())
    said = careplane("restore", str(tmp_path / "folder"), *key, *new, *other, code=1)
    assert "is of a data folder" in said


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("how", ["changed", "cut", "missing"])
def test_damage_is_found(hospital: Hospital, tmp_path: Path, name: str, how: str) -> None:
    path = hospital.saved / name
    raw = bytearray(path.read_bytes())
    path.unlink()
    if how == "changed":
        raw[len(raw) // 2] ^= 1
        path.write_bytes(raw)
    elif how == "cut":
        path.write_bytes(raw[:-1])
    other = postgres.url()
    said = restore(hospital, tmp_path / "new", other, code=1)
    assert name in said
    assert not (tmp_path / "new").exists()
    restored = ("--data", str(hospital.data), "--database", other)
    assert json.loads(careplane("fhir", "search", "Patient", *restored))["total"] == 0


def test_an_unreachable_database_is_named(data: Path, tmp_path: Path) -> None:
    where = ("--data", str(data), "--database", "postgresql://127.0.0.1:1/none")
    said = careplane("backup", str(tmp_path / "saved"), *where, code=1)
    assert "cannot be reached" in said
    assert not (tmp_path / "saved").exists()


def test_a_backup_while_servers_write(data: Path, database: str, tmp_path: Path) -> None:
    saved, new, other = tmp_path / "saved", tmp_path / "new", postgres.url()
    settings = {"CAREPLANE_DATABASE": database}
    with server.serving(data, 2, settings) as running, writing(running) as acknowledged:
        until(acknowledged, 20)
        before = list(acknowledged)
        careplane("backup", str(saved), "--data", str(data), "--database", database)
        until(acknowledged, len(acknowledged) + 5)
    restore(Hospital(data, database, saved), new, other)
    with server.serving(new, settings={"CAREPLANE_DATABASE": other}) as restored:
        marks = [one["code"]["text"] for one in server.search(restored, "/Basic?_count=1000")]
    assert set(before) <= set(marks)
    assert {marks.count(mark) for mark in set(marks)} == {ENTRIES}
