"""Credentials of a TURN server that end by themselves (draft-uberti-behave-turn-rest): the name is
when they end and for whom they are, the password an HMAC-SHA-1 of the name under a secret that the
relay (coturn: `static-auth-secret`) and this server share and that goes nowhere else."""

from __future__ import annotations

import base64
import hmac
from dataclasses import dataclass, field

from careplane.telehealth.visits.messages import Server


@dataclass(frozen=True, slots=True)
class Ice:
    """The relays of an installation. `turn` and `stun` are addresses (RFC 7064, RFC 7065);
    `seconds` is how long credentials last; `only` where browsers shall use nothing but relays, so
    that participants do not learn each other's address."""

    turn: tuple[str, ...] = ()
    stun: tuple[str, ...] = ()
    secret: str = field(default="", repr=False)
    seconds: int = 600
    only: bool = False

    def servers(self, seat: str, now: int) -> tuple[Server, ...]:
        """For one participant; `now` in microseconds since 1970."""
        found = [Server(self.stun)] if self.stun else []
        if self.turn and self.secret:
            name = f"{now // 1_000_000 + self.seconds}:{seat}"
            found.append(Server(self.turn, name, self._password(name)))
        return tuple(found)

    def _password(self, name: str) -> str:
        digest = hmac.digest(self.secret.encode(), name.encode(), "sha1")
        return base64.b64encode(digest).decode()
