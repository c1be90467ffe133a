"""Bytes over HTTPS: streamed as they come, redirects followed only where a Guard allows."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from careplane.interop.bulk.pulling.guard import Guard
from careplane.kernel.errors import Busy, Incorrect

if TYPE_CHECKING:
    import ssl

    import httpx

_REDIRECTS = 4
_SECONDS, _CONNECT_SECONDS = 60.0, 10.0
_MOVED = frozenset({301, 302, 303, 307, 308})
_LATER = frozenset({408, 425, 429})
_HEADERS = {"Accept": "application/fhir+ndjson, application/ndjson", "Accept-Encoding": "gzip"}


class Web:
    """Reads what the guard lets through; `trust` are the authorities whose certificates count,
    those of the certifi list if None."""

    def __init__(self, guard: Guard, trust: ssl.SSLContext | None = None) -> None:
        self._guard = guard
        self._trust = trust

    async def read(self, url: str) -> AsyncIterator[bytes]:
        """The body as it is sent, packed or not. Raises Forbidden or Incorrect, and Busy where it
        may go well later."""
        import httpx

        # No proxies and no .netrc from the environment: the connection goes where the guard says.
        verify = self._trust or True
        timeout = httpx.Timeout(_SECONDS, connect=_CONNECT_SECONDS)
        async with httpx.AsyncClient(verify=verify, trust_env=False, timeout=timeout) as client:
            for _ in range(_REDIRECTS):
                async with self._asked(client, url) as answer:
                    if answer.status_code in _MOVED and "location" in answer.headers:
                        url = str(httpx.URL(url).join(answer.headers["location"]))
                        continue
                    _check(answer)
                    try:
                        async for some in answer.aiter_raw():
                            yield some
                    except httpx.HTTPError as error:
                        raise Busy("The connection to a file to import has broken off.") from error
                    return
        raise Incorrect("An address to import from leads from one address to the next.")

    @asynccontextmanager
    async def _asked(self, client: httpx.AsyncClient, url: str) -> AsyncIterator[httpx.Response]:
        import httpx

        target = await self._guard.target(url)
        headers = {**_HEADERS, "Host": target.url.netloc.decode("ascii")}
        known = {"sni_hostname": target.host}
        request = client.build_request("GET", target.pinned, headers=headers, extensions=known)
        try:
            answer = await client.send(request, stream=True)
        except httpx.HTTPError as error:
            raise Busy("The host of a file to import does not answer now.") from error
        try:
            yield answer
        finally:
            await answer.aclose()


def _check(answer: httpx.Response) -> None:
    status = answer.status_code
    if status >= 500 or status in _LATER:
        raise Busy(f"The host of a file to import answers {status} now.")
    if status != 200:
        raise Incorrect(f"The address of a file to import answers {status}.")
    coding = answer.headers.get("content-encoding", "identity").strip().lower()
    if coding not in ("identity", "gzip", "x-gzip"):
        raise Incorrect("The only content encoding that is read is gzip.")
