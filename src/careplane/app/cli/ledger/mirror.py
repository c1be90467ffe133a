"""careplane ledger mirror: a verified copy of the log of others."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from careplane.app.cli.options import Json, say
from careplane.kernel.errors import Busy, NotFound, TooLarge

if TYPE_CHECKING:
    from careplane.ledger.formats import keys

_SECONDS = 30.0
_MOST_BYTES = 20_000_000


def mirror(
    url: Annotated[str, typer.Argument(help="Where the log is, such as https://host/ledger/.")],
    folder: Annotated[Path, typer.Argument(help="Folder of the copy; made where it is not there.")],
    log: Annotated[list[str], typer.Option(help="Verifier key of the log; once for each key.")],
    json: Json = False,
) -> None:
    """Bring a copy of another log to its newest checkpoint, and verify all of it. Run it again and
    again: it says where the log was rewritten or rolled back."""
    from careplane.ledger.formats.keys import parse_verifier

    verifiers = [parse_verifier(one) for one in log]
    size = asyncio.run(_mirrored(url, folder, verifiers))
    say({"folder": str(folder), "leaves": size}, f"{size:,} leaves, verified, in {folder}.", json)


async def _mirrored(url: str, folder: Path, verifiers: list[keys.VerifierKey]) -> int:
    import httpx

    from careplane.ledger.mirroring import mirrored

    async with httpx.AsyncClient(timeout=_SECONDS) as http:

        async def fetch(path: str) -> bytes:
            got = bytearray()
            try:
                async with http.stream("GET", f"{url.rstrip('/')}/{path}") as answer:
                    async for part in answer.aiter_bytes():
                        got += part
                        if len(got) > _MOST_BYTES:
                            raise TooLarge(f"{path} of the log is too long.")
            except httpx.HTTPError as error:
                raise Busy(f"The log does not answer ({type(error).__name__}).") from None
            if answer.status_code != 200:
                raise NotFound(f"The log has no {path} ({answer.status_code}).")
            return bytes(got)

        return (await mirrored(fetch, folder, verifiers)).size
