"""How long to wait before the next attempt: twice as long after each failure, with jitter, so that
receivers that failed together are not asked together again."""

from __future__ import annotations

FIRST, LONGEST = 1.0, 3600.0
_DOUBLINGS = 20


def delay(fails: int, chance: float) -> float:
    """Seconds after `fails` failures in a row, for a `chance` in [0, 1): between half of the full
    wait and all of it."""
    if fails <= 0:
        return 0.0
    full: float = min(LONGEST, FIRST * 2.0 ** min(fails - 1, _DOUBLINGS))
    return full * (0.5 + chance / 2)
