"""What several verbs of `careplane ledger` share."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from careplane.app.settings import Settings
from careplane.kernel.errors import Incorrect

if TYPE_CHECKING:
    from careplane.app.build import Careplane

Policy = Annotated[
    Path | None, typer.Option("--policy", help="Which log and witnesses are believed.")
]


def content(path: Path) -> bytes:
    """The bytes of a file. Raises Incorrect."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise Incorrect(f"{path} cannot be read: {error.strerror}.") from None


@asynccontextmanager
async def opened(chosen: Settings) -> AsyncIterator[Careplane]:
    """The installation, for one command; servers may run beside it."""
    from careplane.app.build import build

    here = build(chosen)
    try:
        yield here
    finally:
        await here.close()
