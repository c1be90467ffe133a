"""The command line: one file a verb, gathered here.

Exit codes: 0 done; 1 refused or failed, with the reason on standard error; 2 wrong usage; 130
interrupted. `--json` prints one JSON value on standard output and nothing else there: logs, from
warnings on, go to standard error.
"""

from __future__ import annotations

import sys

import typer

from careplane.app.cli import (
    audit,
    backup,
    break_glass,
    clients,
    doctor,
    exporting,
    fhir,
    forms,
    importing,
    keys,
    ledger,
    lifecycle,
    mcp,
    migrating,
    package,
    policy,
    reindexing,
    revoking,
    schedule,
    tenants,
    terminology,
    token,
    users,
    witness,
)
from careplane.kernel import observe
from careplane.kernel.errors import CareplaneError

app = typer.Typer(
    name="careplane",
    help="An open cloud platform for health care.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command("init")(lifecycle.init)
app.command("serve")(lifecycle.serve)
app.command("version")(lifecycle.version)
app.command("token")(token.token)
app.command("revoke")(revoking.revoke)
app.command("import")(importing.import_)
app.command("export")(exporting.export)
app.command("backup")(backup.backup)
app.command("restore")(backup.restore)
app.command("migrate-store")(migrating.migrate_store)
app.command("reindex")(reindexing.reindex)
app.command("mcp")(mcp.mcp)
app.command("doctor")(doctor.doctor)
app.command("witness")(witness.witness)
app.add_typer(audit.app, name="audit")
app.add_typer(fhir.app, name="fhir")
app.add_typer(keys.app, name="keys")
app.add_typer(ledger.app, name="ledger")
app.add_typer(break_glass.app, name="break-glass")
app.add_typer(policy.app, name="policy")
app.add_typer(schedule.app, name="schedule")
app.add_typer(clients.app, name="client")
app.add_typer(package.app, name="package")
app.add_typer(tenants.app, name="tenant")
app.add_typer(terminology.app, name="terminology")
app.add_typer(forms.app, name="forms")
app.add_typer(users.app, name="user")
app.add_typer(users.roles, name="role")


def main() -> None:
    """The entry point: an error that we know ends with its text, not with a trace."""
    observe.log("warning")
    try:
        app()
    except CareplaneError as error:
        for issue in error.issues:
            place = f" ({issue.where})" if issue.where else ""
            print(f"careplane: {issue.text}{place}", file=sys.stderr)  # noqa: T201
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)
