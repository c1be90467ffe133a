"""Packages of definitions with the settings of an installation: where they are kept, and the server
that is asked for them, only when an operator adds some."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from careplane.app import engines
from careplane.app.keys import Keys
from careplane.app.settings import Settings
from careplane.kernel.clock import Clock
from careplane.kernel.errors import Busy, NotFound, TooLarge

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from careplane.interop.bulk.pulling.guard import Guard
    from careplane.packages.adding import Adding
    from careplane.packages.packages import Packages
    from careplane.storage.ports.packages import PackageStore

_SECONDS = 60.0
_MOST_REDIRECTS = 3


class Packaging:
    """One installation's. The store is opened when it is first needed."""

    def __init__(self, settings: Settings, key: Keys, clock: Clock) -> None:
        self._settings, self._key, self._clock = settings, key, clock

    @cached_property
    def store(self) -> PackageStore:
        """Where packages are kept."""
        return engines.packages(self._settings, self._key)

    @cached_property
    def packages(self) -> Packages:
        """What is here."""
        from careplane.packages.packages import Packages

        return Packages(self.store, self._clock)

    @property
    def adding(self) -> Adding:
        """Who changes that. Raises Incorrect for the address of a server that cannot be one."""
        from careplane.interop.bulk.pulling.guard import Guard
        from careplane.packages.adding import Adding
        from careplane.packages.server import PackageServer, host_of

        address = self._settings.package_server
        server = None
        if address:
            guard = Guard(frozenset((host_of(address),)))
            server = PackageServer(address, Downloads(guard))
        return Adding(self.store, self.packages, self._clock, server)

    async def close(self) -> None:
        """Let go of the store, if it was opened."""
        if "store" in self.__dict__:
            await self.store.close()


class Downloads:
    """A `Fetch`: the server that the operator has named, and public hosts that it sends us on to,
    over HTTPS."""

    def __init__(self, guard: Guard) -> None:
        self._guard = guard

    async def read(self, url: str, most: int) -> bytes:
        """What is there."""
        return b"".join([piece async for piece in self._pieces(url, most)])

    async def save(self, url: str, to: Path, most: int) -> None:
        """Write it to a file."""
        with to.open("wb") as file:
            async for piece in self._pieces(url, most):
                file.write(piece)

    async def _pieces(self, url: str, most: int) -> AsyncIterator[bytes]:
        import httpx

        left = most
        try:
            for _ in range(_MOST_REDIRECTS + 1):
                target = await self._guard.target(url)
                headers = {"Host": target.url.netloc.decode("ascii"), "Accept-Encoding": "identity"}
                sni = {"sni_hostname": target.host}
                # No proxies and no .netrc from the environment: it goes where the guard says.
                async with (
                    httpx.AsyncClient(trust_env=False, timeout=_SECONDS) as client,
                    client.stream("GET", target.pinned, headers=headers, extensions=sni) as answer,
                ):
                    if answer.is_redirect:
                        url = str(target.url.join(answer.headers["location"]))
                        continue
                    if answer.status_code == 404:
                        raise NotFound("The package server has nothing there.")
                    if answer.status_code != 200:
                        raise Busy(f"The package server answers {answer.status_code}.")
                    async for piece in answer.aiter_raw():
                        left -= len(piece)
                        if left < 0:
                            raise TooLarge(f"The package server sends more than {most:,} bytes.")
                        yield piece
                    return
        except httpx.HTTPError:
            raise Busy("The package server does not answer now.") from None
        raise Busy("The package server sends us on and on.")
