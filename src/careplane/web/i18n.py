"""Who is spoken to on a page: whose choice of a language and a time zone counts.

An account's choice counts before the browser's, as browsers are shared; then what was chosen in
this browser, then what the browser asks for (Accept-Language, and a cookie in which a script says
the browser's zone), then the institution's.
"""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from careplane.access.people.session import Session
from careplane.words.audience import Audience, is_zone
from careplane.words.catalogues import mark
from careplane.words.languages import known, negotiate

__all__ = ["BROWSER_ZONE", "LANGUAGE", "ZONE", "audience_of", "keep", "mark"]

LANGUAGE, ZONE = "careplane-language", "careplane-zone"
"""Cookies of what a person has chosen."""
BROWSER_ZONE = "careplane-browser-zone"
"""Cookie that `careplane.js` sets."""
_YEAR = 365 * 86_400


def audience_of(request: Request, session: Session | None, zone: str) -> Audience:
    """Who is at the browser; `zone` is the institution's."""
    cookies = request.cookies
    language = known(session.language if session else "") or known(cookies.get(LANGUAGE, ""))
    wanted = (session.zone if session else "", cookies.get(ZONE, ""), cookies.get(BROWSER_ZONE, ""))
    return Audience(
        language or negotiate(request.headers.get("accept-language", "")),
        next((one for one in wanted if one and is_zone(one)), zone),
    )


def keep(response: Response, name: str, value: str, *, secure: bool) -> None:
    """Remember a choice in this browser; an empty one is forgotten."""
    if value:
        response.set_cookie(
            name, value, max_age=_YEAR, path="/", secure=secure, httponly=True, samesite="lax"
        )
    else:
        response.delete_cookie(name, path="/", secure=secure, httponly=True, samesite="lax")
