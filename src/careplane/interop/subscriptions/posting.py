"""POST to an endpoint of a subscriber: to the address that was looked at, once, without redirects,
within its time, reading no more of the answer than its status."""

from __future__ import annotations

import asyncio
from functools import cached_property
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from careplane.interop.subscriptions.channel import Undelivered
from careplane.interop.subscriptions.reach import Reach, Unreachable

if TYPE_CHECKING:
    import httpx


class Posting:
    """One HTTP client for all endpoints, made with the first message. Connections are not kept:
    most endpoints hear rarely."""

    def __init__(self, reach: Reach) -> None:
        self._reach = reach

    @cached_property
    def _client(self) -> httpx.AsyncClient:
        import httpx

        return httpx.AsyncClient(
            follow_redirects=False,
            trust_env=False,
            limits=httpx.Limits(max_connections=200, max_keepalive_connections=0),
        )

    async def post(
        self, url: str, body: bytes, headers: list[tuple[str, str]], seconds: float
    ) -> None:
        """Raises Undelivered unless the answer is a success."""
        import httpx

        try:
            async with asyncio.timeout(seconds):
                status = await self._status(url, body, headers, seconds)
        except Unreachable as error:
            raise Undelivered(str(error)) from None
        except (TimeoutError, httpx.TimeoutException):
            raise Undelivered(f"The endpoint did not answer within {seconds:g} seconds.") from None
        except (httpx.HTTPError, httpx.InvalidURL, OSError, ValueError) as error:
            raise Undelivered(f"The endpoint cannot be reached: {type(error).__name__}.") from None
        if not 200 <= status < 300:
            raise Undelivered(f"The endpoint answered {status}.")

    async def close(self) -> None:
        """Let go of connections."""
        if "_client" in self.__dict__:
            await self._client.aclose()

    async def _status(
        self, url: str, body: bytes, headers: list[tuple[str, str]], seconds: float
    ) -> int:
        import httpx

        parts = urlsplit(url)
        address = await self._reach.address(url)
        target = httpx.URL(url).copy_with(host=address)
        request = self._client.build_request(
            "POST",
            target,
            content=body,
            headers=[*headers, ("Host", parts.netloc)],
            timeout=seconds,
            extensions={"sni_hostname": parts.hostname or ""},
        )
        answer = await self._client.send(request, stream=True)
        await answer.aclose()
        return answer.status_code
