"""One way to ask the FHIR interface, whether a server runs elsewhere or the data folder is opened
here and now."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from careplane.app.build import Careplane, build
from careplane.app.cli.options import settings
from careplane.client import AsyncClient, Client
from careplane.kernel.errors import Incorrect

Ask = Callable[[str, str, dict[str, str], bytes | None], httpx.Response]
"""Method, path below the base, headers, body. Raises Refused for an error, Unreachable."""

_BASE = "http://careplane.localhost/fhir"
_SECONDS = 60


@contextmanager
def client(data: Path | None, server: str | None, token: str | None) -> Iterator[Ask]:
    """A client of a running server (with its token), or of a data folder (with all rights)."""
    with _remote(server, token) if server else _local(data) as ask:
        yield ask


@contextmanager
def _remote(server: str, token: str | None) -> Iterator[Ask]:
    if not token:
        raise Incorrect("A server wants a token: --token or CAREPLANE_TOKEN; see careplane token.")
    with Client(server, token, timeout=_SECONDS) as there:
        yield lambda method, path, head, body: there.request(method, path, headers=head, body=body)


@contextmanager
def _local(data: Path | None) -> Iterator[Ask]:
    with asyncio.Runner() as runner:
        here = build(settings(data))
        try:
            yield lambda method, path, head, body: runner.run(_ask(here, method, path, head, body))
        finally:
            runner.run(here.close())


async def _ask(
    here: Careplane, method: str, path: str, head: dict[str, str], body: bytes | None
) -> httpx.Response:
    token = here.tokens.issue(here.operator, _SECONDS)
    transport = httpx.ASGITransport(app=here.asgi)
    async with AsyncClient(_BASE, token, transport=transport) as there:
        return await there.request(method, path, headers=head, body=body)
