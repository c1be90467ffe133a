"""How much one socket may say: a bucket of tokens that fills again."""

from __future__ import annotations

from dataclasses import dataclass

from careplane.kernel.clock import Clock
from careplane.telehealth.visits.messages import Chat, Heard, Ice, Keep

_BURST = 200.0
"""Three connections that are set up at once have some thirty candidates each."""
_A_SECOND = 20.0
_COSTS: dict[type, float] = {Chat: 10.0, Keep: 20.0, Ice: 10.0}


@dataclass(slots=True)
class Pace:
    """Of one socket."""

    clock: Clock
    left: float = _BURST
    at: int = 0

    def take(self, message: Heard) -> bool:
        """Whether this may be said now."""
        now = self.clock()
        if self.at:
            self.left = min(_BURST, self.left + (now - self.at) / 1e6 * _A_SECOND)
        self.at = now
        self.left -= _COSTS.get(type(message), 1.0)
        return self.left >= 0
