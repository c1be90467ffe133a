"""careplane ledger: verify what a log gave out, offline, with the verifier that stands alone."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from careplane.app.cli.options import Json, say
from careplane.kernel.errors import Incorrect, Invalid

app = typer.Typer(help="Receipts and checkpoints of the tamper-evident log.", no_args_is_help=True)
Policy = Annotated[Path, typer.Option("--policy", help="Which log and witnesses are believed.")]


@app.command()
def verify(
    receipt: Annotated[Path, typer.Argument(help="A receipt, .tlog-proof.")],
    policy: Policy,
    record: Annotated[
        Path | None, typer.Option("--record", help="The version, as the server answered it.")
    ] = None,
    json: Json = False,
) -> None:
    """Verify a receipt, offline."""
    from careplane.ledger import verify

    try:
        found = verify.verify_receipt(
            _bytes(receipt),
            verify.read_policy(_bytes(policy)),
            _bytes(record) if record else None,
        )
    except verify.Refused as error:
        raise Invalid(f"Refused: {error}.") from None
    value = {
        "log": found.origin, "leaf": found.index, "size": found.size, "kind": found.kind,
        "statement": found.statement, "witnesses": found.witnesses,
    }  # fmt: skip
    lines = [f"Leaf {found.index} of {found.size} of {found.origin}: {found.kind}"]
    lines += [f"  {name} {said}" for name, said in found.statement.items()]
    lines += [f"Cosigned by {name}" for name in found.witnesses]
    say(value, "\n".join(lines), json)


@app.command()
def consistency(
    old: Annotated[Path, typer.Argument(help="An earlier checkpoint.")],
    new: Annotated[Path, typer.Argument(help="A later one, with its proof above it.")],
    policy: Policy,
    json: Json = False,
) -> None:
    """Verify that a log only grew between two checkpoints, offline."""
    from careplane.ledger import verify

    try:
        earlier, later = verify.verify_consistency(
            _bytes(old), _bytes(new), verify.read_policy(_bytes(policy))
        )
    except verify.Refused as error:
        raise Invalid(f"Refused: {error}.") from None
    text = f"{later.origin} only grew, from {earlier.size} to {later.size} leaves."
    say({"log": later.origin, "old": earlier.size, "size": later.size}, text, json)


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise Incorrect(f"{path} cannot be read: {error.strerror}.") from None
