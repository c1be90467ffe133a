"""Anomalies for the command line: look, and say what became of each."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from careplane.app.audits.filters import moment
from careplane.kernel.clock import format_instant, system_clock
from careplane.kernel.errors import Incorrect
from careplane.records.audits.anomalies.catalogue import RULES
from careplane.records.audits.anomalies.material import Finding
from careplane.records.audits.anomalies.review import Review
from careplane.records.audits.rendering import cleaned
from careplane.records.commands import Note

if TYPE_CHECKING:
    from careplane.app.build import Careplane

Reviewed = list[tuple[Finding, Review | None]]


async def anomalies(here: Careplane, since: str, before: str, rules: Iterable[str]) -> Reviewed:
    """What should be looked at of a period. Raises Incorrect for a rule that there is not."""
    chosen = tuple(rules)
    if unknown := set(chosen) - set(RULES):
        raise Incorrect(f"There is no rule {min(unknown)[:40]!r}; there are {', '.join(RULES)}.")
    now = system_clock()
    first, last = moment(since, now), moment(before, now) if before else now
    await here.door.note(here.operator, Note("audit-anomalies", f"{since} {before} {chosen}"))
    found = await here.auditing.looking(here.operator.tenant).look(first, last, chosen)
    reviews = await here.auditing.reviews(here.operator.tenant).all()
    return [(one, reviews.get(one.key)) for one in found]


async def reviewed(here: Careplane, key: str, verdict: str, note: str) -> Review:
    """Say what became of a finding."""
    reviews = here.auditing.reviews(here.operator.tenant)
    review = await reviews.give(key, verdict, here.operator.id, note)
    await here.door.note(here.operator, Note("audit-review", f"{key} {verdict}"))
    return review


def as_json(one: Finding, review: Review | None) -> dict[str, Any]:
    """A finding and its review."""
    found: dict[str, Any] = {
        "key": one.key,
        "rule": one.rule,
        "agent": one.agent,
        "patient": one.patient,
        "why": one.why,
        "first": format_instant(one.first),
        "last": format_instant(one.last),
        "times": one.times,
        "records": list(one.seqs),
    }
    if review is not None:
        found["review"] = {"verdict": review.verdict, "by": review.by, "note": review.note}
    return found


def in_words(one: Finding, review: Review | None) -> str:
    """The same on one line."""
    whose = f" of Patient/{one.patient}" if one.patient else ""
    state = f" [{review.verdict} by {review.by}]" if review else ""
    at = format_instant(one.last)
    line = f"{one.key} {at} {one.rule} {one.agent}{whose} {one.times}x {one.why}{state}"
    return cleaned(line)
