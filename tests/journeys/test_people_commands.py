"""Accounts and roles on the command line, as an operator begins with them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.journeys.test_command_line import careplane


@pytest.fixture
def data(tmp_path: Path) -> str:
    folder = str(tmp_path / "data")
    careplane("init", "--data", folder)
    return folder


@pytest.mark.slow
def test_people_are_added_given_roles_and_taken_out(data: str) -> None:
    where = ("--data", data, "--json")
    made = json.loads(careplane("user", "add", "ada", "--name", "Ada", "--role", "nurse", *where))
    assert made["is"][0].startswith("Practitioner/")
    assert made["invitation"].startswith("http://localhost:8080/set-up?code=1.")
    again = careplane("user", "add", "ADA", "--name", "Eve", "--data", data, code=1)
    assert "belongs to another user" in again
    assert "create it first" in careplane(
        "user", "add", "eve", "--name", "Eve", "--is", "Patient/none", "--data", data, code=1
    )
    assert "No policy knows" in careplane("role", "grant", "ada", "root", "--data", data, code=1)
    granted = json.loads(careplane("role", "grant", "ada", "physician", *where))
    assert granted["roles"] == ["nurse", "physician"]
    assert json.loads(careplane("role", "withdraw", made["id"], "nurse", *where))["roles"] == [
        "physician"
    ]
    shown = json.loads(careplane("user", "show", "ada", *where))
    assert (shown["passkeys"], shown["password"], shown["recovery_codes"]) == ([], False, 0)
    first = json.loads(careplane("user", "invite", "ada", *where))["invitation"]
    second = json.loads(careplane("user", "reset", "ada", *where))["invitation"]
    assert len({made["invitation"], first, second}) == 3
    assert json.loads(careplane("user", "disable", "ada", *where))["state"] == "disabled"
    assert json.loads(careplane("user", "enable", "ada", *where))["state"] == "active"
    assert "nurse" in json.loads(careplane("role", "list", *where))
    assert [user["login"] for user in json.loads(careplane("user", "list", *where))] == ["ada"]
    assert json.loads(careplane("user", "remove", "ada", *where))["removed"]
    assert "There is no user" in careplane("user", "list", "--data", data)


@pytest.mark.slow
def test_people_of_another_institution(data: str) -> None:
    where = ("--data", data, "--json")
    for name, more in (("south", ("--host", "records.south.example")), ("north", ())):
        careplane("tenant", "add", name, *more, "--data", data)
    added = ("user", "add", "ada", "--name", "Ada", "--role", "nurse")
    ours = json.loads(careplane(*added, *where))
    theirs = json.loads(careplane(*added, "--tenant", "south", *where))
    assert theirs["invitation"].startswith("http://records.south.example/set-up?code=")
    assert theirs["id"] != ours["id"]
    (listed,) = json.loads(careplane("user", "list", "--tenant", "south", *where))
    assert listed["id"] == theirs["id"]
    granted = ("role", "grant", "ada", "physician", "--tenant", "south")
    assert json.loads(careplane(*granted, *where))["roles"] == ["nurse", "physician"]
    assert json.loads(careplane("user", "show", "ada", *where))["roles"] == ["nurse"]
    assert "There is no user" in careplane("user", "show", theirs["id"], "--data", data, code=1)
    nowhere = careplane(*added, "--tenant", "north", "--data", data, code=1)
    assert "careplane tenant set north --host" in nowhere
    assert json.loads(careplane("user", "list", "--tenant", "north", *where)) == []
