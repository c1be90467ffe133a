"""What app developers read: the FHIR interface, one type at a time, to be tried out with a token.

The page needs no session, since it tells of no patient; what is tried goes to `/fhir`, where the
token decides. Without scripts it leads to the documents themselves.
"""

from __future__ import annotations

from urllib.parse import urlencode

from starlette.responses import Response

from careplane.fhir.definitions import RESOURCE_TYPES
from careplane.kernel.errors import NotFound
from careplane.rest.openapi.document import SYSTEM
from careplane.web.visit import Visit
from careplane.words.catalogues import gettext as _


async def show(visit: Visit) -> Response:
    """GET /docs?type=Patient; without a type, what concerns the whole system."""
    type = visit.query("type") or SYSTEM
    if type != SYSTEM and type not in RESOURCE_TYPES:
        raise NotFound(_("“%(type)s” is not a FHIR R4 resource type.", type=type[:64]))
    return visit.render(
        "pages/api.html",
        type=type,
        types=RESOURCE_TYPES,
        system=SYSTEM,
        document=f"/openapi.json?{urlencode({'type': type})}",
    )
