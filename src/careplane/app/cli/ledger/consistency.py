"""careplane ledger consistency: that a log only grew, offline."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from careplane.app.cli.ledger.options import content
from careplane.app.cli.options import Json, say
from careplane.kernel.errors import Invalid


def consistency(
    old: Annotated[Path, typer.Argument(help="An earlier checkpoint.")],
    new: Annotated[Path, typer.Argument(help="A later one, with its proof above it.")],
    policy: Annotated[Path, typer.Option("--policy", help="Which log and witnesses are believed.")],
    json: Json = False,
) -> None:
    """Verify that a log only grew between two checkpoints, offline."""
    from careplane.ledger import verify

    try:
        earlier, later = verify.verify_consistency(
            content(old), content(new), verify.read_policy(content(policy))
        )
    except verify.Refused as error:
        raise Invalid(f"Refused: {error}.") from None
    text = f"{later.origin} only grew, from {earlier.size} to {later.size} leaves."
    say({"log": later.origin, "old": earlier.size, "size": later.size}, text, json)
