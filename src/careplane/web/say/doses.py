"""How to take a medicine, in words: what is structured in a Dosage, said to its reader
(R4 Dosage, Timing; the codes of EventTiming and UnitsOfTime).

Words of the prescriber win where there are some; what is structured is said where there are none.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial

from careplane.fhir.tree import Tree
from careplane.web.i18n import mark
from careplane.web.say import types
from careplane.web.say.dates import say_date
from careplane.web.say.often import EVERY, LASTING, TIMES, Number, ranged
from careplane.words.catalogues import gettext as _
from careplane.words.catalogues import ngettext

_ONCE = {
    "d": mark("once a day"),
    "wk": mark("once a week"),
    "mo": mark("once a month"),
    "a": mark("once a year"),
}
_WHEN = {
    "MORN": mark("in the morning"),
    "MORN.early": mark("early in the morning"),
    "MORN.late": mark("late in the morning"),
    "NOON": mark("at noon"),
    "AFT": mark("in the afternoon"),
    "AFT.early": mark("early in the afternoon"),
    "AFT.late": mark("late in the afternoon"),
    "EVE": mark("in the evening"),
    "EVE.early": mark("early in the evening"),
    "EVE.late": mark("late in the evening"),
    "NIGHT": mark("at night"),
    "PHS": mark("after sleep"),
    "HS": mark("before going to bed"),
    "WAKE": mark("on waking up"),
    "C": mark("with a meal"),
    "CM": mark("with breakfast"),
    "CD": mark("with lunch"),
    "CV": mark("with dinner"),
    "AC": mark("before a meal"),
    "ACM": mark("before breakfast"),
    "ACD": mark("before lunch"),
    "ACV": mark("before dinner"),
    "PC": mark("after a meal"),
    "PCM": mark("after breakfast"),
    "PCD": mark("after lunch"),
    "PCV": mark("after dinner"),
}
_CODES: dict[str, str | Callable[[], str]] = {
    "QD": _ONCE["d"],
    "BID": lambda: TIMES["d"](2),
    "TID": lambda: TIMES["d"](3),
    "QID": lambda: TIMES["d"](4),
    "AM": _WHEN["MORN"],
    "PM": _WHEN["EVE"],
    "QOD": lambda: EVERY["d"](2),
    "Q4H": lambda: EVERY["h"](4),
    "Q6H": lambda: EVERY["h"](6),
    "Q8H": lambda: EVERY["h"](8),
    "BED": _WHEN["HS"],
    "WK": _ONCE["wk"],
    "MO": _ONCE["mo"],
}
_DAYS = {
    "mon": mark("on Mondays"),
    "tue": mark("on Tuesdays"),
    "wed": mark("on Wednesdays"),
    "thu": mark("on Thursdays"),
    "fri": mark("on Fridays"),
    "sat": mark("on Saturdays"),
    "sun": mark("on Sundays"),
}


def dose(tree: Tree) -> tuple[str, ...]:
    """The parts of a Dosage, in the order in which they are said; none where it says nothing."""
    for words in ("patientInstruction", "text"):
        if tree.get(words):
            return (str(tree[words]),)
    parts = [*_amount(tree), *_timing(tree.get("timing", {}))]
    if route := types.concept(tree.get("route", {})):
        parts.append(_("way: %(route)s", route=route))
    if reason := types.concept(tree.get("asNeededCodeableConcept", {})):
        parts.append(_("only when needed, for %(reason)s", reason=reason))
    elif tree.get("asNeededBoolean"):
        parts.append(_("only when needed"))
    most = tree.get("maxDosePerPeriod")
    if most and parts:
        parts.append(_("no more than %(most)s", most=types.ratio(most)))
    return tuple(parts)


def _amount(tree: Tree) -> Iterable[str]:
    for one in tree.get("doseAndRate", ())[:1]:
        if "doseQuantity" in one:
            amount = types.quantity(one["doseQuantity"])
        elif "doseRange" in one:
            amount = types.range_(one["doseRange"])
        else:
            continue
        yield _("take %(amount)s", amount=amount)


def _timing(tree: Tree) -> Iterable[str]:
    repeat = tree.get("repeat", {})
    yield from _often(repeat)
    if not repeat:
        yield from _by_code(tree.get("code", {}))
    offset = repeat.get("offset")
    for code in repeat.get("when", ()):
        if code in _WHEN:
            yield _(_WHEN[code])
    if offset:
        yield ngettext("%(num)s minute apart from that", "%(num)s minutes apart from that", offset)
    for day in repeat.get("dayOfWeek", ()):
        if day in _DAYS:
            yield _(_DAYS[day])
    if hours := [str(one)[:5] for one in repeat.get("timeOfDay", ())]:
        yield _("at %(hours)s", hours=", ".join(hours))
    yield from _span(repeat)


def _often(repeat: Tree) -> Iterable[str]:
    unit, period = repeat.get("periodUnit", ""), repeat.get("period")
    if period is None or unit not in EVERY:
        return
    times, up_to = repeat.get("frequency", 1), repeat.get("frequencyMax")
    every = ranged(EVERY[unit], period, repeat.get("periodMax"))
    is_one = period == 1 and not repeat.get("periodMax")
    if times == 1 and not up_to:
        yield _(_ONCE[unit]) if is_one and unit in _ONCE else every
    elif is_one and unit in TIMES:
        yield ranged(TIMES[unit], times, up_to)
    else:
        yield ranged(partial(_times_each, every), times, up_to)


def _times_each(every: str, n: Number, /, **num: str) -> str:
    return ngettext("%(num)s time %(every)s", "%(num)s times %(every)s", n, every=every, **num)


def _by_code(concept: Tree) -> Iterable[str]:
    code = next((c.get("code", "") for c in concept.get("coding", ())), "")
    if code in _CODES:
        said = _CODES[code]
        yield _(said) if isinstance(said, str) else said()
    elif words := types.concept(concept):
        yield words


def _span(repeat: Tree) -> Iterable[str]:
    bounds = repeat.get("boundsDuration", {})
    unit = bounds.get("code", "")
    if unit in LASTING and "value" in bounds:
        yield LASTING[unit](bounds["value"])
    period = repeat.get("boundsPeriod", {})
    if period.get("end"):
        yield _("until %(date)s", date=say_date(str(period["end"])[:10]))
    if repeat.get("count"):
        yield ngettext("%(num)s time in all", "%(num)s times in all", repeat["count"])
