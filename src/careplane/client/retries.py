"""When a refused request is sent again: 429 and 503, for what does no harm when done twice (RFC
9110, 9.2.2 and 10.2.3)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import httpx

_LATER = (429, 503)
_IDEMPOTENT = ("GET", "HEAD", "PUT", "DELETE", "OPTIONS")


@dataclass(frozen=True, slots=True)
class Retries:
    """At most `attempts` in all, with at most `longest` seconds between two; without a Retry-After
    `first` seconds, then twice as long each time."""

    attempts: int = 4
    first: float = 0.2
    longest: float = 30.0

    def wait(self, answer: httpx.Response, attempt: int, repeatable: bool) -> float | None:
        """Seconds until the next attempt, None where there is none. `attempt` counts from 1."""
        if not repeatable or answer.status_code not in _LATER or attempt >= self.attempts:
            return None
        asked = _retry_after(answer.headers.get("retry-after", ""))
        return min(self.first * 2 ** (attempt - 1) if asked is None else asked, self.longest)


def idempotent(method: str) -> bool:
    """Whether doing it twice is doing it once."""
    return method.upper() in _IDEMPOTENT


def _retry_after(text: str) -> float | None:
    """Seconds, or a date; None for what is neither."""
    if text.isascii() and text.isdigit():
        return float(text[:9])
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, TypeError):
        return None
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return max((moment - datetime.now(UTC)).total_seconds(), 0.0)
