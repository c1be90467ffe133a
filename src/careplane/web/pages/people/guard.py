"""Doors in front of pages: for a person with a session of his own, for one who has just proven who
he is, for an administrator."""

from __future__ import annotations

from urllib.parse import quote

from starlette.responses import Response

from careplane.access.people.people import People
from careplane.access.people.session import Session
from careplane.access.people.user import ADMINISTRATOR
from careplane.kernel.errors import Forbidden, Unsupported
from careplane.web.visit import Handler, Visit, redirect, to_sign_in


def person(handler: Handler, fresh: str = "") -> Handler:
    """Behind `signed_in`: a person, not who holds a token only. With `fresh`, a page, the proof is
    at most five minutes old; who must prove anew comes back to that page."""

    async def guarded(visit: Visit) -> Response:
        session = session_of(visit)
        if fresh and not people_of(visit).who.is_fresh(session):
            return to_confirm(fresh)
        return await handler(visit)

    return guarded


def administrator(handler: Handler, goal: str = "") -> Handler:
    """A person who administers, freshly proven; who must prove anew comes back to `goal`, or where
    he was."""

    async def guarded(visit: Visit) -> Response:
        if visit.session is None:
            return to_sign_in(visit)
        if ADMINISTRATOR not in visit.session.roles:
            raise Forbidden("Only administrators see this.")
        if is_stale(visit):
            return to_confirm(goal or visit.request.url.path)
        return await handler(visit)

    return guarded


def is_stale(visit: Visit) -> bool:
    """Whether a person with a session must prove anew who he is."""
    session = visit.session
    return session is not None and not people_of(visit).who.is_fresh(session)


def to_confirm(goal: str) -> Response:
    """To prove anew who one is, and back."""
    return redirect(f"/confirm?next={quote(goal)}")


def people_of(visit: Visit) -> People:
    """The people of this installation. Raises Unsupported where it has none."""
    if visit.web.people is None or visit.web.roles:
        raise Unsupported("Nobody has an account here: choose a role on the first page.")
    return visit.web.people


def session_of(visit: Visit) -> Session:
    """The session of a person. Raises Forbidden for who holds a token only."""
    if visit.session is None:
        raise Forbidden("This is for people who have signed in, not with a token.")
    return visit.session
