"""Who is signed in, by the cookies of a request: the question that other rooms ask of this
family."""

from __future__ import annotations

from collections.abc import Mapping

from careplane.access.people.session import Session
from careplane.access.people.sessions import Sessions
from careplane.storage.ports.records import Tenant

SIGN_IN = "/sign-in"
"""Where people are sent who are not signed in, with `next`, a path of this site to come back to."""


class Who:
    """`secure` where browsers come over HTTPS."""

    def __init__(self, sessions: Sessions, secure: bool) -> None:
        self._sessions = sessions
        self.cookie = cookie_name(secure)

    async def who(self, cookies: Mapping[str, str]) -> Session | None:
        """The session, None where there is none that lasts. It awaits the store once a minute for
        each session, else nothing. Raises Busy where it cannot be told."""
        return await self._sessions.who(cookies.get(self.cookie, ""))

    async def now(self, tenant: Tenant, id: str) -> Session | None:
        """As `Sessions.now`."""
        return await self._sessions.now(tenant, id)

    def is_fresh(self, session: Session) -> bool:
        """Whether the last proof is at most five minutes old."""
        return self._sessions.is_fresh(session)

    def require_fresh(self, session: Session) -> None:
        """Raises Forbidden where it is older."""
        self._sessions.require_fresh(session)


def cookie_name(secure: bool) -> str:
    """With HTTPS the prefix binds the cookie to this host (RFC 6265bis, 4.1.3)."""
    return "__Host-careplane-session" if secure else "careplane-session"
