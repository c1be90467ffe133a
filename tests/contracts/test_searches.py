"""Many searches over one full store: every node meets every row more often than in the machine."""

from __future__ import annotations

import asyncio
import os
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from careplane.storage.ports.records import Key, Tenant, Unit
from tests.contracts import material as m
from tests.contracts.conftest import Hands
from tests.contracts.engines import ENGINES, Store
from tests.contracts.model import Model

EXAMPLES = int(os.environ.get("CAREPLANE_EXAMPLES", "25"))
TENANT = Tenant(3)


async def _fill(store: Store, model: Model, wanted: dict[Key, m.Rows]) -> None:
    receipt = await store.commit(TENANT, Unit(tuple(m.put(*k, rows) for k, rows in wanted.items())))
    model.wrote(receipt.versions, tuple(wanted.values()))


async def _check(store: Store, model: Model, query: m.Query) -> None:
    page = await store.search(TENANT, query)
    expected = model.search(query)
    assert [(v.type, v.id) for v in page.versions] == expected[: query.count], query
    assert (page.next is not None) == (len(expected) > query.count)
    assert await store.count(TENANT, query) == len(expected)


@pytest.mark.parametrize("engine", ENGINES)
@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    wanted=st.dictionaries(m.keys, m.rows, min_size=6, max_size=18),
    queries=st.lists(m.queries, min_size=15, max_size=30),
)
def test_a_search_finds_what_matches(engine, wanted, queries):
    async def run() -> None:
        with tempfile.TemporaryDirectory() as folder:
            store, model = ENGINES[engine](Path(folder), Hands()), Model()
            await _fill(store, model, wanted)
            for query in queries:
                await _check(store, model, query)
            await store.close()

    asyncio.run(run())
