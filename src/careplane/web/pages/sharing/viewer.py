"""The page that opens a health link: it is decrypted in the browser, by our own script alone.

The link stands behind `#`, so no server and no log has its key.
"""

from __future__ import annotations

from starlette.responses import Response

from careplane.web.visit import Visit

PATH = "/share/view"


async def show(visit: Visit) -> Response:
    """GET, for anybody."""
    return visit.render("sharing/view.html")
