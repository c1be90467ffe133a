"""A body in a target that does not open is a difference that a move tells, not its end."""

from __future__ import annotations

from pathlib import Path

import pytest

from careplane.app.moving.compare import compare
from careplane.search.rows import Rows
from careplane.storage.engines.sqlite.connection import connect, key_for
from careplane.storage.ports.records import Tenant, Unit
from tests.contracts import material as m
from tests.contracts.moving import KEY, moved, on_postgres, on_sqlite

pytestmark = pytest.mark.anyio
ONE = Tenant(1)


@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
async def test_a_body_that_was_exchanged_is_told(kind: str, tmp_path: Path) -> None:
    here = on_sqlite(tmp_path / "here")
    store, state = here.open()
    for id in ("a", "b"):
        await store.commit(ONE, Unit((m.put("Group", id, rest=b'{"name":"%s"}' % id.encode()),)))
    await store.close()
    await state.close()
    there = on_sqlite(tmp_path / "there") if kind == "sqlite" else on_postgres(tmp_path / "there")
    source, target = await here.source(), await there.target()
    await moved(source, target, lambda kept: Rows())
    text = "UPDATE version SET body = (SELECT o.body FROM version o WHERE o.t = 2) WHERE t = 1"
    if kind == "sqlite":
        opened = connect(tmp_path / "there" / "records.sqlite", key_for("records", KEY))
        opened.execute(text)
        opened.close()
    else:
        await target.connection.execute(text)  # type: ignore[attr-defined]
    report = await compare(source, target, lambda *_: None)
    assert report.differences == ["Group/a/_history/1 of tenant 1: another body"]
    await source.close()
    await target.close()
