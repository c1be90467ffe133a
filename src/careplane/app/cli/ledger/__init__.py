"""careplane ledger: what a log gave out, verified offline, and the log of this installation. One
file a verb, gathered here."""

from __future__ import annotations

import typer

from careplane.app.cli.ledger import adopt, consistency, mirror, receipt, status, verify

app = typer.Typer(
    help="The tamper-evident log: receipts, checkpoints, its own state.", no_args_is_help=True
)
app.command("verify")(verify.verify)
app.command("receipt")(receipt.receipt)
app.command("status")(status.status)
app.command("adopt")(adopt.adopt)
app.command("consistency")(consistency.consistency)
app.command("mirror")(mirror.mirror)
