"""Key sets of clients, fetched from addresses that these have named: small, quick, without
redirects, and only from public hosts over HTTPS or from hosts that the operator has named."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from careplane.access.smart.jwks import MOST_BYTES
from careplane.interop.bulk.pulling.guard import Guard
from careplane.kernel.errors import Busy, CareplaneError, Forbidden, Incorrect

if TYPE_CHECKING:
    import ssl

_SECONDS = 5.0


class Fetcher:
    """Asks where the guard lets it; `trust` are the authorities whose certificates count, those of
    the certifi list if None."""

    def __init__(self, guard: Guard, trust: ssl.SSLContext | None = None) -> None:
        self._guard = guard
        self._trust = trust

    def check(self, url: str) -> None:
        """What can be told of an address without asking anybody. Raises Incorrect."""
        try:
            self._guard.check(url)
        except CareplaneError:
            raise Incorrect(
                "A jwks_uri begins with https://, has a host, and no name or password; the "
                "operator may allow others (`oauth_jwks_hosts`)."
            ) from None

    async def fetch(self, url: str) -> bytes:
        """The bytes there. Raises Forbidden, Incorrect or Busy."""
        import httpx

        try:
            async with asyncio.timeout(_SECONDS):
                return await self._fetched(url)
        except Forbidden:
            raise Forbidden(
                "The host of the jwks_uri is not on the public network; the operator may allow it "
                "(`oauth_jwks_hosts`)."
            ) from None
        except (TimeoutError, httpx.HTTPError):
            raise Busy("The host of the jwks_uri does not answer now.") from None

    async def _fetched(self, url: str) -> bytes:
        import httpx

        target = await self._guard.target(url)
        headers = {
            "Accept": "application/json",
            "Accept-Encoding": "identity",
            "Host": target.url.netloc.decode("ascii"),
        }
        # No proxies and no .netrc from the environment: the connection goes where the guard says.
        verify = self._trust or True
        async with (
            httpx.AsyncClient(verify=verify, trust_env=False, timeout=_SECONDS) as client,
            client.stream(
                "GET", target.pinned, headers=headers, extensions={"sni_hostname": target.host}
            ) as answer,
        ):
            if answer.status_code != 200:
                raise Busy(f"The jwks_uri answers {answer.status_code}.")
            body = b""
            async for some in answer.aiter_raw():
                body += some
                if len(body) > MOST_BYTES:
                    raise Incorrect(f"The key set has more than {MOST_BYTES} bytes.")
            return body
