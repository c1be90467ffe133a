"""Access tokens of LiveKit: a JWT (RFC 7519) by HMAC-SHA-256 with a `video` grant, issued by the
API key. One for a participant is for one room and one identity, and permits no messages and no
change of name; one for a call of ours permits that call alone."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

SECONDS = 60
"""How long a token is good for coming in. Who is in gets new ones from LiveKit itself."""


@dataclass(frozen=True, slots=True)
class Grants:
    """By the key and secret that LiveKit's configuration has."""

    key: str
    secret: str = field(repr=False)

    def join(self, room: str, identity: str, now: int) -> str:
        """For one participant; `now` in microseconds since 1970."""
        video = {
            "room": room,
            "roomJoin": True,
            "canPublish": True,
            "canPublishSources": ["camera", "microphone"],
            "canSubscribe": True,
            "canPublishData": False,
            "canUpdateOwnMetadata": False,
        }
        return self._signed({"sub": identity, "video": video}, now)

    def create(self, now: int) -> str:
        """To make and to end rooms."""
        return self._signed({"video": {"roomCreate": True}}, now)

    def govern(self, room: str, now: int) -> str:
        """To see who is in one room, and to put out."""
        return self._signed({"video": {"room": room, "roomAdmin": True}}, now)

    def _signed(self, claims: dict[str, Any], now: int) -> str:
        from joserfc import jwt
        from joserfc.jwk import OctKey

        at = now // 1_000_000
        times = {"iss": self.key, "nbf": at, "exp": at + SECONDS}
        key = OctKey.import_key(self.secret.encode())
        return jwt.encode({"alg": "HS256", "typ": "JWT"}, {**claims, **times}, key)
