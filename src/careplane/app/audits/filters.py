"""What an operator asks the trail for, as options of the command line write it."""

from __future__ import annotations

import re
from dataclasses import dataclass, fields
from datetime import UTC, datetime

from careplane.kernel.errors import Incorrect
from careplane.ledger.audit import shortened
from careplane.ledger.trail import Kind, Question, term

_AGO = re.compile(r"([1-9][0-9]{0,5})([mhdwy])", re.ASCII)
_UNITS = {"m": 60, "h": 3600, "d": 86_400, "w": 7 * 86_400, "y": 366 * 86_400}


@dataclass(frozen=True, slots=True)
class Filters:
    """Texts as they were typed; empty ones ask for nothing. `resource` is `Type/id`; `token` an id
    (jti) or its beginning as records have it; `since` and `before` as `moment` reads them.
    `nobody`: of the requests that came without a good credential, which are in a trail of their
    own."""

    patient: str = ""
    agent: str = ""
    resource: str = ""
    interaction: str = ""
    token: str = ""
    outcome: str = ""
    since: str = ""
    before: str = ""
    nobody: bool = False

    def __str__(self) -> str:
        """What is asked for, for the record of the question."""
        asked = ((field.name, getattr(self, field.name)) for field in fields(self))
        return " ".join(f"{name}={text}" for name, text in asked if text)

    def question(self, now: int, *, newest_first: bool = True, count: int = 100) -> Question:
        """The question for the trail; `now` in microseconds since 1970."""
        asked = (
            (Kind.PATIENT, self.patient.removeprefix("Patient/")),
            (Kind.AGENT, self.agent),
            (Kind.RESOURCE, self.resource),
            (Kind.INTERACTION, self.interaction),
            (Kind.TOKEN, shortened(self.token)),
            (Kind.OUTCOME, self.outcome),
        )
        return Question(
            tuple(frozenset({term(kind, text)}) for kind, text in asked if text),
            since=moment(self.since, now) if self.since else None,
            before=moment(self.before, now) if self.before else None,
            newest_first=newest_first,
            count=count,
        )


def moment(text: str, now: int) -> int:
    """`2026-11-01`, `2026-11-01T08:00:00Z` (UTC where it has no zone), or how long ago: `30m`,
    `12h`, `7d`, `2w`, `6y`. In microseconds since 1970; raises Incorrect."""
    ago = _AGO.fullmatch(text)
    if ago:
        return now - int(ago[1]) * _UNITS[ago[2]] * 1_000_000
    try:
        read = datetime.fromisoformat(text)
    except ValueError:
        raise Incorrect(
            f"{text[:40]!r} is no time; write 2026-11-01, 2026-11-01T08:00:00Z or 7d."
        ) from None
    aware = read if read.tzinfo else read.replace(tzinfo=UTC)
    return round(aware.timestamp() * 1_000_000)
