"""How the OpenID provider of the institution is asked: within seconds, without redirects, and for
no more than a page of JSON. The operator has named it, so it may be on a private network."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import TYPE_CHECKING
from urllib.parse import quote_plus

from careplane.kernel.errors import Busy

if TYPE_CHECKING:
    import httpx

_SECONDS = 10.0
_MOST_BYTES = 262_144


class ProviderWeb:
    """`transport` is for tests."""

    def __init__(self, transport: httpx.AsyncBaseTransport | None = None) -> None:
        self._transport = transport

    async def get(self, url: str) -> bytes:
        """What stands there. Raises Busy."""
        return await self._ask("GET", url)

    async def post(self, url: str, form: Mapping[str, str], auth: tuple[str, str]) -> bytes:
        """The answer to a form; the client authenticates by client_secret_basic, each half encoded
        (RFC 6749, 2.3.1). Raises Busy."""
        import httpx

        id, secret = map(quote_plus, auth)
        return await self._ask("POST", url, data=dict(form), auth=httpx.BasicAuth(id, secret))

    async def _ask(
        self,
        method: str,
        url: str,
        data: dict[str, str] | None = None,
        auth: httpx.BasicAuth | None = None,
    ) -> bytes:
        import httpx

        try:
            async with (
                asyncio.timeout(_SECONDS),
                httpx.AsyncClient(
                    transport=self._transport, trust_env=False, timeout=_SECONDS
                ) as client,
                client.stream(
                    method, url, data=data, auth=auth, headers={"Accept": "application/json"}
                ) as answer,
            ):
                if answer.status_code != 200:
                    raise Busy(
                        f"The provider of your institution answers {answer.status_code}; try again."
                    )
                body = b""
                async for some in answer.aiter_bytes():
                    body += some
                    if len(body) > _MOST_BYTES:
                        raise Busy("The provider of your institution answers too much.")
                return body
        except (TimeoutError, httpx.HTTPError, httpx.InvalidURL):
            raise Busy("The provider of your institution does not answer now.") from None
