"""The demo is served on one day, and again on the next: its story moves along."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from careplane.app import keys
from careplane.app.build import build
from careplane.app.demo import bundles
from careplane.app.settings import Settings
from careplane.app.story import loaded
from careplane.records.commands import Counts, Search
from careplane.sharing.exchange.steps import CODES, INCOMING

pytestmark = pytest.mark.anyio


async def test_the_story_moves_to_another_day(tmp_path: Path) -> None:
    settings = Settings(data=tmp_path / "demo", demo=True)
    settings.data.mkdir()
    keys.create(settings.data)
    now = datetime.now(UTC)
    counts = []
    for days in (0, 1, 1):
        then = now + timedelta(days=days)
        assert await loaded(settings, bundles(then.date(), then)) > 5000 - 100
        here = build(settings)
        counts.append(await here.door.counts(here.operator, Counts()))
        waits = Search("Task", (("code", f"{CODES}|{INCOMING}"),))
        (task,) = (await here.door.search(here.operator, waits)).matches
        assert b'"requested"' in task.rest, "one referral has come from the neighbour, once"
        await here.close()
    first, *later = counts
    for one in later:
        assert {k: v for k, v in one.items() if k != "AuditEvent"} == {
            k: v for k, v in first.items() if k != "AuditEvent"
        }
