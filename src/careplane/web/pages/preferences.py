"""In which language and at which clock one is spoken to: chosen in the footer of every page, kept
in the browser and in the account."""

from __future__ import annotations

from starlette.responses import Response

from careplane.kernel.errors import Incorrect
from careplane.web.forms import fields
from careplane.web.i18n import LANGUAGE, ZONE, keep
from careplane.web.visit import Visit, local, redirect
from careplane.words.audience import is_zone, zones
from careplane.words.catalogues import gettext as _
from careplane.words.languages import known


async def show(visit: Visit) -> Response:
    """GET /preferences, with `back`."""
    return visit.render(
        "pages/preferences.html",
        zones=zones(),
        chosen=_chosen(visit),
        back=local(visit.query("back") or "/"),
    )


async def choose(visit: Visit) -> Response:
    """POST /preferences, with `language`, `zone` (empty: the browser's) and `back`; what is not
    sent stays as it is."""
    sent = await fields(visit.request)
    language, zone = sent.get("language", ""), sent.get("zone", "")
    if (language and not known(language)) or (zone and not is_zone(zone)):
        raise Incorrect(_("Choose a language and a time zone from the list."))
    answer = redirect(local(sent.get("back") or "/"))
    if language:
        keep(answer, LANGUAGE, known(language), secure=visit.web.secure)
    if "zone" in sent:
        keep(answer, ZONE, zone, secure=visit.web.secure)
    if visit.session and visit.web.people:
        await visit.web.people.sessions.prefer(
            visit.session,
            known(language) or visit.session.language,
            sent.get("zone", visit.session.zone),
        )
    return answer


def _chosen(visit: Visit) -> str:
    """The zone that was chosen; empty while it is the browser's."""
    of_account = visit.session.zone if visit.session else ""
    return of_account or visit.request.cookies.get(ZONE, "")
