"""Demo data: two dozen synthetic patients and a hospital, one transaction Bundle each.

The dates are stored around a fixed day and moved when they are read, so that the story is always
about today. `tools/make_demo.py` makes the file; all people in it are synthetic.
"""

from __future__ import annotations

import gzip
import re
from collections.abc import Callable, Iterator
from datetime import date, datetime, timedelta
from importlib.resources import files

from careplane.app.demo import pools, schedules
from careplane.care.forms import ready
from careplane.fhir.codec import json

ANCHOR = date(2021, 4, 1)
"""The day that the stored dates call today."""

_DAY = re.compile(rb'"(\d{4}-\d\d-\d\d)(?=["T])')


def bundles(today: date, now: datetime | None = None) -> Iterator[bytes]:
    """Every transaction Bundle of the demo, the hospital first, its dates moved to `today`; the
    schedules last, around `now`.

    The entries are updates with fixed ids, so loading twice makes no duplicates.
    """
    packed = (files(__package__) / "bundles.ndjson.gz").read_bytes()
    move = _mover(today - ANCHOR)
    for line in gzip.decompress(packed).splitlines():
        yield _DAY.sub(move, line)
    yield schedules.bundle(today, now)
    yield _forms()
    yield pools.bundle()


def _forms() -> bytes:
    """The questionnaires that come with Careplane."""
    entries = [
        {
            "resource": ready.questionnaire(name),
            "request": {"method": "PUT", "url": f"Questionnaire/{name}"},
        }
        for name in ready.known()
    ]
    return json.dump({"resourceType": "Bundle", "type": "transaction", "entry": entries})


def _mover(distance: timedelta) -> Callable[[re.Match[bytes]], bytes]:
    """Moves one matched day; a day is computed once, since a chart repeats few of them."""
    moved: dict[bytes, bytes] = {}

    def move(match: re.Match[bytes]) -> bytes:
        old = match[1]
        if old not in moved:
            moved[old] = b'"' + (date.fromisoformat(old.decode()) + distance).isoformat().encode()
        return moved[old]

    return move
