"""One way to ask the FHIR interface, whether a server runs elsewhere or the data folder is opened
here and now."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import httpx

from careplane.app.build import Careplane, build
from careplane.app.cli.options import Source, settings
from careplane.client import AsyncClient, Client
from careplane.kernel.errors import Incorrect

Ask = Callable[[str, str, dict[str, str], bytes | None], httpx.Response]
"""Method, path below the base, headers, body. Raises Refused for an error, Unreachable."""

_ORIGIN = "http://careplane.localhost"
_SECONDS = 60


@contextmanager
def client(source: Source) -> Iterator[Ask]:
    """A client of a running server (with its token), or of a data folder (with all rights)."""
    with _remote(source.server, source.token) if source.server else _local(source) as ask:
        yield ask


@contextmanager
def _remote(server: str, token: str | None) -> Iterator[Ask]:
    if not token:
        raise Incorrect("A server wants a token: --token or CAREPLANE_TOKEN; see careplane token.")
    with Client(server, token, timeout=_SECONDS) as there:
        yield lambda method, path, head, body: there.request(method, path, headers=head, body=body)


@contextmanager
def _local(source: Source) -> Iterator[Ask]:
    tenant = source.tenant
    with asyncio.Runner() as runner:
        here = build(settings(source.data, database=source.database))
        try:
            yield lambda method, path, head, body: runner.run(
                _ask(here, tenant, method, path, head, body)
            )
        finally:
            runner.run(here.close())


async def _ask(
    here: Careplane,
    tenant: str,
    method: str,
    path: str,
    head: dict[str, str],
    body: bytes | None,
) -> httpx.Response:
    institution = await here.tenancy.named(tenant)
    token = here.tokens.issue(await here.operator_of(tenant), _SECONDS)
    base = f"{_ORIGIN}{institution.root}/fhir"
    transport = httpx.ASGITransport(app=here.asgi)
    async with AsyncClient(base, token, transport=transport) as there:
        return await there.request(method, path, headers=head, body=body)
