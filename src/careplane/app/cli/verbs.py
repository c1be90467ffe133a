"""The verbs by name, in the order of the help. No start waits for the files of the others."""

from __future__ import annotations

from importlib import import_module
from typing import Any

import typer
from typer.core import TyperGroup
from typer.main import get_group

_STAND_IN = {
    "init": "lifecycle.init",
    "serve": "lifecycle.serve",
    "version": "lifecycle.version",
    "token": "token.token",
    "revoke": "revoking.revoke",
    "import": "importing.import_",
    "export": "exporting.export",
    "backup": "backup.backup",
    "restore": "backup.restore",
    "migrate-store": "migrating.migrate_store",
    "reindex": "reindexing.reindex",
    "mcp": "mcp.mcp",
    "doctor": "doctor.doctor",
    "witness": "witness.witness",
    "audit": "audit.app",
    "fhir": "fhir.app",
    "keys": "keys.app",
    "ledger": "ledger.app",
    "break-glass": "break_glass.app",
    "policy": "policy.app",
    "schedule": "schedule.app",
    "client": "clients.app",
    "package": "package.app",
    "tenant": "tenants.app",
    "terminology": "terminology.app",
    "forms": "forms.app",
    "user": "users.app",
    "role": "users.roles",
}
"""Where each is: a function, or a `Typer` with verbs of its own."""


class Verbs(TyperGroup):
    """All of them; what is typed wrong is compared with all."""

    def list_commands(self, ctx: Any) -> list[str]:
        return list(_STAND_IN)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        for name in (cmd_name,) if cmd_name in _STAND_IN else _STAND_IN:
            if name not in self.commands:
                self.commands[name] = _read(name)
        return self.commands.get(cmd_name)


def _read(name: str) -> Any:
    module, _, what = _STAND_IN[name].partition(".")
    found = getattr(import_module(f"{__package__}.{module}"), what)
    alone = typer.Typer(rich_markup_mode=None, pretty_exceptions_enable=False)
    if isinstance(found, typer.Typer):
        alone.add_typer(found, name=name)
    else:
        alone.command(name)(found)
    return get_group(alone).commands[name]
