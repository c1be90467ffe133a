"""The session of a person at a browser: a signed token in a cookie that scripts cannot read.

The token is one that `access.smart.tokens` issues, so a page asks the same decision as an API call
under it. The cookie goes along with requests from our own pages only (SameSite=Strict).
"""

from __future__ import annotations

from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response

from careplane.access.caller import Caller
from careplane.access.people.user import Charge
from careplane.access.smart.tokens import Token, Tokens
from careplane.kernel.errors import Busy, Unauthenticated

HOURS = 8
_SECONDS = HOURS * 3600
_LONGEST = 3800  # browsers keep cookies of up to 4,096 bytes, name and attributes included


@dataclass(frozen=True, slots=True)
class DemoRole:
    """A role that the demo lets anybody take: how the picker names it, and as whom it acts.
    `patients` are those for whom it acts, where that is somebody else."""

    key: str
    title: str
    says: str
    caller: Caller
    patients: tuple[Charge, ...] = ()


@dataclass(frozen=True, slots=True)
class Sessions:
    """Opens, resolves and closes sessions. `secure` where the pages are served over HTTPS."""

    tokens: Tokens
    secure: bool = False

    @property
    def cookie(self) -> str:
        """With HTTPS the prefix binds the cookie to this host (RFC 6265bis, 4.1.3)."""
        return "__Host-careplane" if self.secure else "careplane"

    def caller(self, request: Request) -> Caller | None:
        """Who sits at the browser; None if nobody has signed in, the session is over, or it cannot
        be told now whether it is. The token of an app is no session."""
        token = request.cookies.get(self.cookie)
        if not token:
            return None
        try:
            found = self.tokens.read(token)
        except (Unauthenticated, Busy):
            return None
        return None if found.client else found.caller

    def held(self, request: Request) -> Token | None:
        """The token that the session goes by."""
        token = request.cookies.get(self.cookie)
        return self.tokens.read(token) if token else None

    def open(self, response: Response, caller: Caller) -> None:
        """Sign a caller in."""
        self._set(response, self.tokens.issue(caller, _SECONDS))

    def adopt(self, response: Response, token: str) -> None:
        """Sign in with a token that was issued elsewhere; raises Unauthenticated."""
        if len(token) > _LONGEST:
            raise Unauthenticated(
                "The token is too long for a browser session; ask for fewer scopes."
            )
        if self.tokens.read(token).client:
            raise Unauthenticated("The token is an app's; nobody signs in with that.")
        self._set(response, token)

    def close(self, response: Response) -> None:
        """Sign out."""
        response.delete_cookie(
            self.cookie, path="/", secure=self.secure, httponly=True, samesite="strict"
        )

    def _set(self, response: Response, token: str) -> None:
        response.set_cookie(
            self.cookie, token, max_age=_SECONDS, path="/", secure=self.secure, httponly=True,
            samesite="strict",
        )  # fmt: skip
