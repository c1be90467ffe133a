"""Static files, read once, compressed once, served with a name that changes with their content.

The files of others in `static/vendor` come with the build; where they are absent the pages work
without them.
"""

from __future__ import annotations

import gzip
import hashlib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from starlette.requests import Request
from starlette.responses import Response

from careplane.kernel.errors import NotFound
from careplane.web.security import HEADERS

ROOT = Path(__file__).with_name("static")
TYPES = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".txt": "text/plain; charset=utf-8",
}
BROWSER_FILES = (
    "vendor/htmx.min.js",
    "vendor/uPlot.iife.min.js",
    "vendor/uPlot.min.css",
    "vendor/livekit-client.umd.js",
    "vendor/swagger-ui-bundle.js",
    "vendor/swagger-ui.css",
)
_FOREVER = "public, max-age=31536000, immutable"


@dataclass(frozen=True, slots=True)
class Asset:
    """One file: its bytes plain and compressed, and a digest of them."""

    kind: str
    plain: bytes
    packed: bytes
    digest: str


@cache
def assets() -> dict[str, Asset]:
    """Every static file by its path below `static/`."""
    paths = (path for path in ROOT.rglob("*") if path.suffix in TYPES and path.is_file())
    return {path.relative_to(ROOT).as_posix(): _load(path) for path in paths}


def missing() -> tuple[str, ...]:
    """The browser files that the build could not fetch."""
    return tuple(name for name in BROWSER_FILES if name not in assets())


def url(name: str) -> str:
    """The address of a file, for a template; empty if it is absent."""
    asset = assets().get(name)
    return f"/static/{name}?v={asset.digest}" if asset else ""


async def serve(request: Request) -> Response:
    """GET /static/{path}."""
    asset = assets().get(request.path_params["path"])
    if asset is None:
        raise NotFound("There is no such file.")
    tag = f'"{asset.digest}"'
    named = request.query_params.get("v") == asset.digest
    headers = HEADERS | {
        "ETag": tag,
        "Vary": "Accept-Encoding",
        "Cache-Control": _FOREVER if named else "no-cache",
    }
    if request.headers.get("if-none-match") == tag:
        return Response(status_code=304, headers=headers)
    if "gzip" in request.headers.get("accept-encoding", ""):
        headers["Content-Encoding"] = "gzip"
        return Response(asset.packed, media_type=asset.kind, headers=headers)
    return Response(asset.plain, media_type=asset.kind, headers=headers)


def _load(path: Path) -> Asset:
    plain = path.read_bytes()
    digest = hashlib.sha256(plain).hexdigest()[:16]
    return Asset(TYPES[path.suffix], plain, gzip.compress(plain, 9, mtime=0), digest)
