"""careplane witness: cosign the log of another institution."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def witness(
    state: Annotated[Path, typer.Argument(help="The one file of this witness: keys and trees.")],
    log: Annotated[
        list[str] | None, typer.Option(help="Verifier key of a log; once for each log and key.")
    ] = None,
    name: Annotated[
        str | None,
        typer.Option(help="Make a new witness of this name, such as hospital.example/w1."),
    ] = None,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to listen on.", min=1, max=65535)] = 8090,
) -> None:
    """Cosign checkpoints that continue what was seen before; refuse all others."""
    from careplane.app import witnessing
    from careplane.kernel.clock import system_clock
    from careplane.ledger.formats import keys
    from careplane.ledger.witness.witness import StateFile, Witness

    logs = [keys.parse_verifier(one) for one in log or []]
    file = StateFile(state)
    if name is not None:
        file.make(name)
    for key in Witness(file, logs, system_clock).verifiers:
        typer.echo(f"{key}")
    if not logs:
        typer.echo("No --log was named, so there is nothing to cosign.", err=True)
        return
    typer.echo(f"Witness: http://{host}:{port}/add-checkpoint   (Ctrl-C stops it)", err=True)
    witnessing.serve(state, logs, host, port)
