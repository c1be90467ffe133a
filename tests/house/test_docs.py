"""The documentation cannot drift: every setting and every verb of the command line is in it."""

from __future__ import annotations

from typing import Any

import pytest
import typer.main

from careplane.app.cli import app
from careplane.app.settings import Settings
from tests.support import ROOT

SETTINGS = (ROOT / "docs" / "settings.md").read_text()
COMMANDS = (ROOT / "docs" / "commands.md").read_text()


@pytest.mark.parametrize("name", list(Settings.model_fields))
def test_a_setting_is_described(name: str) -> None:
    field = Settings.model_fields[name]
    default = f"`{field.default}`" if field.default != "" else ""
    row = f"| `CAREPLANE_{name.upper()}` | {default} | {field.description} |"
    assert row.replace("|  |", "| |") in SETTINGS


def _verbs() -> list[str]:
    root: Any = typer.main.get_command(app)
    verbs = []
    for name in root.list_commands(None):
        command = root.get_command(None, name)
        inner = getattr(command, "commands", {})
        verbs += [f"{name} {sub}" for sub in inner] or [name]
    return verbs


@pytest.mark.parametrize("verb", _verbs())
def test_a_verb_is_described(verb: str) -> None:
    assert f"## careplane {verb}\n" in COMMANDS
