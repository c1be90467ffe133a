"""Bytes from object stores, below prefixes that the operator has named and nowhere else."""

from __future__ import annotations

from collections.abc import AsyncIterator
from urllib.parse import unquote, urlsplit

from careplane.kernel.errors import Busy, Forbidden, Incorrect

_STEP = 1 << 20


class Stores:
    """Reads below `prefixes`, such as `s3://bucket/incoming/`."""

    def __init__(self, prefixes: tuple[str, ...]) -> None:
        self._prefixes = tuple(f"{prefix.rstrip('/')}/" for prefix in prefixes)

    def check(self, url: str) -> tuple[str, str]:
        """The prefix that allows a URL, and the path below it. Raises Forbidden."""
        for prefix in self._prefixes:
            path = unquote(url.removeprefix(prefix))
            if url.startswith(prefix) and path and not _climbs(path):
                return prefix, path
        raise Forbidden(
            "This object store is not one to import from; the operator may allow it "
            "(`bulk_import_stores`)."
        )

    async def read(self, url: str) -> AsyncIterator[bytes]:
        """The bytes of an object. Raises Incorrect where there is none, Busy where the store does
        not answer."""
        import obstore
        from obstore.exceptions import BaseError, NotFoundError
        from obstore.store import LocalStore, from_url

        prefix, path = self.check(url)
        parts = urlsplit(prefix)
        try:
            local = parts.scheme == "file"
            store = LocalStore(unquote(parts.path)) if local else from_url(prefix)
            found = await obstore.get_async(store, path)
            async for some in found.stream(min_chunk_size=_STEP):
                yield bytes(some)
        except (NotFoundError, FileNotFoundError) as error:
            raise Incorrect("There is no such object to import.") from error
        except (BaseError, OSError) as error:
            raise Busy("The object store to import from does not answer now.") from error


def _climbs(path: str) -> bool:
    return any(part in ("", ".", "..") for part in path.split("/"))
