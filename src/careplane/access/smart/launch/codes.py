"""Authorization codes (RFC 6749, 4.1.2; OAuth 2.1, 4.1.3): good for a minute, once, for the app,
the redirect URI and the challenge that they were asked with. Whoever tries a code uses it up; a
second try ends what came of the first."""

from __future__ import annotations

import hmac
from base64 import urlsafe_b64encode
from hashlib import sha256

from msgspec import Struct
from msgspec.structs import replace

from careplane.access.kept import KeptCaller
from careplane.access.smart.client import Client
from careplane.access.smart.launch.drawer import Drawer
from careplane.access.smart.refusal import Refused
from careplane.access.smart.standing import Standing
from careplane.kernel.clock import Clock
from careplane.storage.ports.state import StateStore

_SPACE = "oauth-code"
SECONDS = 60
_REMEMBERED = 86_400
"""How long a used code is known, so that its second use is seen."""
_VERIFIER = range(43, 129)


class Given(Struct, frozen=True, array_like=True):
    """What a person has given an app, on this one occasion. `person` is who, with the rights of
    that moment; `lasting`, whether it has an account to look up later. `grant` and `family` are ids
    that tokens end with, as is `session` where the app is to act only as long as that lasts, until
    `session_until`. `generation` is that of the client's tokens; `words` are the scopes, `patient`
    and `encounter` the context."""

    person: KeptCaller
    lasting: bool
    client: str
    generation: int
    grant: str
    family: str
    session: str
    session_until: int
    words: tuple[str, ...]
    patient: str
    encounter: str
    auth_time: int
    amr: tuple[str, ...]

    @property
    def ends(self) -> tuple[str, ...]:
        """Ids that its tokens end with."""
        return tuple(filter(None, (self.grant, self.family, self.session)))


class Code(Struct, frozen=True, array_like=True):
    """`expires` is when it is too late to use it, `until` when it is forgotten."""

    until: int
    expires: int
    redirect_uri: str
    challenge: str
    nonce: str
    given: Given
    used: bool = False


class Codes:
    """Those that are waiting to be used, and those that were."""

    def __init__(self, state: StateStore, standing: Standing, clock: Clock) -> None:
        self._drawer = Drawer(state, _SPACE, Code, clock)
        self._standing = standing
        self._clock = clock
        self.sweep = self._drawer.sweep

    async def make(self, given: Given, redirect_uri: str, challenge: str, nonce: str) -> str:
        """A code."""
        now = self._clock() // 1_000_000
        return await self._drawer.add(
            Code(now + _REMEMBERED, now + SECONDS, redirect_uri, challenge, nonce, given)
        )

    async def use(self, held: str, client: Client, redirect_uri: str, verifier: str) -> Code:
        """What a code was given for. Raises Refused (invalid_grant)."""
        found = await self._drawer.find(held)
        if found is None:
            raise _refused("The code is unknown.")
        code, revision = found
        if code.used or not await self._drawer.change(held, replace(code, used=True), revision):
            await self._standing.end(code.given.family)
            raise _refused("The code has been used; what came of it is over.")
        if self._clock() // 1_000_000 >= code.expires:
            raise _refused(f"The code is older than {SECONDS} seconds.")
        if code.given.client != client.id:
            raise _refused("The code was given to another client.")
        if code.redirect_uri != redirect_uri:
            raise _refused("redirect_uri is not the one that the code was asked with.")
        if not answers(verifier, code.challenge):
            raise _refused("code_verifier is not what code_challenge was made of.")
        return code


def answers(verifier: str, challenge: str) -> bool:
    """Whether a challenge was made of a verifier (RFC 7636, 4.6; S256)."""
    if len(verifier) not in _VERIFIER or not verifier.isascii():
        return False
    digest = urlsafe_b64encode(sha256(verifier.encode()).digest()).decode().rstrip("=")
    return hmac.compare_digest(digest, challenge)


def _refused(text: str) -> Refused:
    return Refused("invalid_grant", text)
