"""How often, and for how long, in the forms that a number asks for (R4 Timing, UnitsOfTime)."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Final

from careplane.words.catalogues import ngettext

Number = int | float | Decimal


Count = Callable[..., str]
"""A number with what is counted; `num` is how the number is written, where it is a range."""

TIMES: Final[dict[str, Count]] = {
    "h": lambda n, **num: ngettext("%(num)s time an hour", "%(num)s times an hour", n, **num),
    "d": lambda n, **num: ngettext("%(num)s time a day", "%(num)s times a day", n, **num),
    "wk": lambda n, **num: ngettext("%(num)s time a week", "%(num)s times a week", n, **num),
    "mo": lambda n, **num: ngettext("%(num)s time a month", "%(num)s times a month", n, **num),
    "a": lambda n, **num: ngettext("%(num)s time a year", "%(num)s times a year", n, **num),
}
EVERY: Final[dict[str, Count]] = {
    "s": lambda n, **num: ngettext("every second", "every %(num)s seconds", n, **num),
    "min": lambda n, **num: ngettext("every minute", "every %(num)s minutes", n, **num),
    "h": lambda n, **num: ngettext("every hour", "every %(num)s hours", n, **num),
    "d": lambda n, **num: ngettext("every day", "every %(num)s days", n, **num),
    "wk": lambda n, **num: ngettext("every week", "every %(num)s weeks", n, **num),
    "mo": lambda n, **num: ngettext("every month", "every %(num)s months", n, **num),
    "a": lambda n, **num: ngettext("every year", "every %(num)s years", n, **num),
}
LASTING: Final[dict[str, Count]] = {
    "h": lambda n, **num: ngettext("for %(num)s hour", "for %(num)s hours", n, **num),
    "d": lambda n, **num: ngettext("for %(num)s day", "for %(num)s days", n, **num),
    "wk": lambda n, **num: ngettext("for %(num)s week", "for %(num)s weeks", n, **num),
    "mo": lambda n, **num: ngettext("for %(num)s month", "for %(num)s months", n, **num),
}
_MANY: Final = 100
"""A number whose form names it in every language, as that of two need not."""


def ranged(count: Count, least: Number, most: Number | None) -> str:
    """A number, or a range of them, with what is counted."""
    if not most or most == least:
        return count(least)
    return count(most if most > 2 else _MANY, num=f"{least}–{most}")
