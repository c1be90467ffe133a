"""How to take a medicine, in words: what is structured in a Dosage, said as sentences to translate
(R4 Dosage, Timing; the codes of EventTiming and UnitsOfTime).

Words of the prescriber win where there are some; what is structured is said where there are none.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from careplane.fhir.tree import Tree
from careplane.web.i18n import mark
from careplane.web.say import types
from careplane.web.say.dates import say_date


@dataclass(frozen=True, slots=True)
class Part:
    """A message id with what stands in its places."""

    text: str
    values: dict[str, Any] = field(default_factory=dict)


_EVERY = {
    "h": (mark("every hour"), mark("every %(period)s hours")),
    "min": (mark("every minute"), mark("every %(period)s minutes")),
    "s": (mark("every second"), mark("every %(period)s seconds")),
    "d": (mark("once a day"), mark("once every %(period)s days")),
    "wk": (mark("once a week"), mark("once every %(period)s weeks")),
    "mo": (mark("once a month"), mark("once every %(period)s months")),
    "a": (mark("once a year"), mark("once every %(period)s years")),
}
_TIMES = {
    "h": (mark("%(times)s times an hour"), mark("%(times)s times every %(period)s hours")),
    "d": (mark("%(times)s times a day"), mark("%(times)s times every %(period)s days")),
    "wk": (mark("%(times)s times a week"), mark("%(times)s times every %(period)s weeks")),
    "mo": (mark("%(times)s times a month"), mark("%(times)s times every %(period)s months")),
    "a": (mark("%(times)s times a year"), mark("%(times)s times every %(period)s years")),
}
_FOR = {
    "h": mark("for %(count)s hours"),
    "d": mark("for %(count)s days"),
    "wk": mark("for %(count)s weeks"),
    "mo": mark("for %(count)s months"),
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
_CODES = {
    "QD": mark("once a day"),
    "BID": mark("2 times a day"),
    "TID": mark("3 times a day"),
    "QID": mark("4 times a day"),
    "AM": mark("in the morning"),
    "PM": mark("in the evening"),
    "QOD": mark("once every 2 days"),
    "Q4H": mark("every 4 hours"),
    "Q6H": mark("every 6 hours"),
    "Q8H": mark("every 8 hours"),
    "BED": mark("before going to bed"),
    "WK": mark("once a week"),
    "MO": mark("once a month"),
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


def dose(tree: Tree) -> tuple[Part, ...]:
    """The parts of a Dosage, in the order in which they are said; none where it says nothing."""
    for words in ("patientInstruction", "text"):
        if tree.get(words):
            return (Part("%(words)s", {"words": str(tree[words])}),)
    parts = [*_amount(tree), *_timing(tree.get("timing", {}))]
    if route := types.concept(tree.get("route", {})):
        parts.append(Part(mark("way: %(route)s"), {"route": route}))
    if reason := types.concept(tree.get("asNeededCodeableConcept", {})):
        parts.append(Part(mark("only when needed, for %(reason)s"), {"reason": reason}))
    elif tree.get("asNeededBoolean"):
        parts.append(Part(mark("only when needed")))
    most = tree.get("maxDosePerPeriod")
    if most and parts:
        parts.append(Part(mark("no more than %(most)s"), {"most": types.ratio(most)}))
    return tuple(parts)


def _amount(tree: Tree) -> Iterable[Part]:
    for one in tree.get("doseAndRate", ())[:1]:
        if "doseQuantity" in one:
            amount = types.quantity(one["doseQuantity"])
        elif "doseRange" in one:
            amount = types.range_(one["doseRange"])
        else:
            continue
        yield Part(mark("take %(amount)s"), {"amount": amount})


def _timing(tree: Tree) -> Iterable[Part]:
    repeat = tree.get("repeat", {})
    yield from _often(repeat)
    if not repeat:
        yield from _by_code(tree.get("code", {}))
    offset = repeat.get("offset")
    for code in repeat.get("when", ()):
        if code in _WHEN:
            yield Part(_WHEN[code])
    if offset:
        yield Part(mark("%(count)s minutes apart from that"), {"count": offset})
    for day in repeat.get("dayOfWeek", ()):
        if day in _DAYS:
            yield Part(_DAYS[day])
    if hours := [str(one)[:5] for one in repeat.get("timeOfDay", ())]:
        yield Part(mark("at %(hours)s"), {"hours": ", ".join(hours)})
    yield from _span(repeat)


def _often(repeat: Tree) -> Iterable[Part]:
    unit, period = repeat.get("periodUnit", ""), repeat.get("period")
    if period is None or unit not in _EVERY:
        return
    count = repeat.get("frequency", 1)
    up_to = repeat.get("frequencyMax")
    times = f"{count}–{up_to}" if up_to else count
    if repeat.get("periodMax"):
        period = f"{period}–{repeat['periodMax']}"
    one, several = (_EVERY if times == 1 or unit not in _TIMES else _TIMES)[unit]
    yield Part(one if period == 1 else several, {"times": times, "period": period})


def _by_code(concept: Tree) -> Iterable[Part]:
    code = next((c.get("code", "") for c in concept.get("coding", ())), "")
    if code in _CODES:
        yield Part(_CODES[code])
    elif words := types.concept(concept):
        yield Part("%(words)s", {"words": words})


def _span(repeat: Tree) -> Iterable[Part]:
    bounds = repeat.get("boundsDuration", {})
    unit = bounds.get("code", "")
    if unit in _FOR and "value" in bounds:
        yield Part(_FOR[unit], {"count": bounds["value"]})
    period = repeat.get("boundsPeriod", {})
    if period.get("end"):
        yield Part(mark("until %(date)s"), {"date": say_date(str(period["end"])[:10])})
    if repeat.get("count"):
        yield Part(mark("%(count)s times in all"), {"count": repeat["count"]})
