"""What makes the portal an app that can be installed: its manifest (W3C Web Application Manifest),
the worker that keeps the shell, and the page for when there is no network.

The worker keeps static files and that one page, which says nothing of anybody.
"""

from __future__ import annotations

import hashlib
import json

from starlette.responses import Response

from careplane.kernel.errors import NotFound
from careplane.web import assets
from careplane.web.security import HEADERS
from careplane.web.visit import Visit

PAGE = "/offline"
_SHELL = (
    "careplane.css", "portal.css", "careplane.js", "offline.js", "drafts.js", "icon.svg",
    "vendor/htmx.min.js",
)  # fmt: skip
_ICONS = (
    ("icon-192.png", "192x192", "any"),
    ("icon-512.png", "512x512", "any"),
    ("icon-512.png", "512x512", "maskable"),
    ("icon.svg", "any", "any"),
)
_BACKGROUND, _THEME = "#f3f5f8", "#10314f"


async def manifest(visit: Visit) -> Response:
    """GET /manifest.webmanifest."""
    body = {
        "name": "Careplane",
        "short_name": "Careplane",
        "id": "/",
        "start_url": "/",
        "scope": "/",
        "display": "standalone",
        "background_color": _BACKGROUND,
        "theme_color": _THEME,
        "categories": ["health", "medical"],
        "icons": [
            {"src": assets.url(name), "sizes": sizes, "purpose": purpose,
             "type": assets.assets()[name].kind}
            for name, sizes, purpose in _ICONS
        ],
    }  # fmt: skip
    return _unchecked(json.dumps(body), "application/manifest+json")


async def worker(visit: Visit) -> Response:
    """GET /worker.js: the worker, with the addresses of the shell before it."""
    found = assets.assets().get("worker.js")
    if found is None:
        raise NotFound("There is no worker.")
    files = [url for name in _SHELL if (url := assets.url(name))]
    version = hashlib.sha256("".join((*files, found.digest, visit.language)).encode()).hexdigest()
    shell = {"version": version[:16], "page": PAGE, "files": [*files, PAGE]}
    return _unchecked(f"self.shell = {json.dumps(shell)};\n{found.plain.decode()}", found.kind)


async def offline(visit: Visit) -> Response:
    """GET /offline: the same for everybody."""
    stranger = Visit(visit.web, visit.request, None)
    page = stranger.render("pages/offline.html")
    page.headers["Cache-Control"] = "no-cache"
    return page


def _unchecked(body: str, media: str) -> Response:
    """An answer that is asked for anew each time."""
    return Response(body, media_type=media, headers=HEADERS | {"Cache-Control": "no-cache"})
