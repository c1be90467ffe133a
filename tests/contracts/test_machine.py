"""Any sequence of writes and searches gives what the model says: the law that engines obey."""

from __future__ import annotations

import asyncio
import os
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule, run_state_machine_as_test

from careplane.kernel.errors import Stale
from careplane.search.plan import EVERYTHING, Query
from careplane.storage.ports.records import (
    Guard,
    HistoryQuery,
    Key,
    Page,
    Put,
    Tenant,
    Unit,
    Version,
)
from tests.contracts import material as m
from tests.contracts.conftest import Hands
from tests.contracts.engines import ENGINES, Open
from tests.contracts.model import Model

EXAMPLES = int(os.environ.get("CAREPLANE_EXAMPLES", "60"))
TENANTS = (Tenant(0), Tenant(7))


def _key(version: Version) -> Key:
    return version.type, version.id


class Machine(RuleBasedStateMachine):
    """Drives one store and one model a tenant, side by side."""

    opener: Open

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.folder = tempfile.TemporaryDirectory()
        self.clock = Hands()
        self.store = type(self).opener(Path(self.folder.name), self.clock)
        self.models = {tenant: Model() for tenant in TENANTS}
        self.audit: dict[Tenant, list[bytes]] = {tenant: [] for tenant in TENANTS}

    def teardown(self) -> None:
        self.loop.run_until_complete(self.store.close())
        self.loop.close()
        self.folder.cleanup()

    tenants = st.sampled_from(TENANTS)

    @rule(
        tenant=tenants,
        wanted=st.dictionaries(m.keys, st.none() | m.rows, max_size=4),
        guard=st.none() | m.queries,
        right=st.booleans(),
        audit=st.none() | st.binary().map(lambda b: b"u" + b),
    )
    def commit(self, tenant, wanted, guard, right, audit):
        model = self.models[tenant]
        puts = tuple(self._put(model, key, rows) for key, rows in wanted.items())
        guards = ()
        if guard is not None:
            found = frozenset(model.search(guard)[: guard.count])
            guards = (Guard(guard, found if right else found ^ {("Patient", "never")}),)
        unit = Unit(puts, guards, audit)
        if guard is not None and not right:
            with pytest.raises(Stale):
                self.loop.run_until_complete(self.store.commit(tenant, unit))
            return
        receipt = self.loop.run_until_complete(self.store.commit(tenant, unit))
        assert [_key(v) for v in receipt.versions] == list(wanted)
        assert [v.version for v in receipt.versions] == [put.expect + 1 for put in puts]
        assert [v.rest for v in receipt.versions] == [put.rest for put in puts]
        model.wrote(receipt.versions, tuple(put.rows for put in puts))
        if audit is not None:
            self.audit[tenant].append(audit)

    def _put(self, model: Model, key: Key, rows: m.Rows | None) -> Put:
        expect, old = model.version_of(key), model.rows_of(key)
        if rows is None:
            return m.deletion(*key, expect=expect, old=old)
        return m.put(*key, rows, expect=expect, old=old, rest=f"{key} {expect}".encode() * 40)

    @rule(tenant=tenants, wanted=st.dictionaries(m.keys, m.rows, min_size=1, max_size=3))
    def commit_what_is_stale(self, tenant, wanted):
        model = self.models[tenant]
        puts = [self._put(model, key, rows) for key, rows in wanted.items()]
        last = puts[-1]
        puts[-1] = m.put(last.type, last.id, last.rows, expect=last.expect + 1)
        with pytest.raises(Stale):
            self.loop.run_until_complete(self.store.commit(tenant, Unit(tuple(puts))))

    @rule(milliseconds=st.integers(-3, 9))
    def time_passes(self, milliseconds: int) -> None:
        self.clock.now += milliseconds * 1000

    @rule(tenant=tenants, key=m.keys, version=st.integers(0, 4))
    def read(self, tenant, key, version):
        model = self.models[tenant]
        assert self.loop.run_until_complete(self.store.read(tenant, *key)) == model.current(key)
        old = next((v for v in model.log if _key(v) == key and v.version == version), None)
        assert self.loop.run_until_complete(self.store.vread(tenant, *key, version)) == old

    @rule(tenant=tenants, keys=st.lists(m.keys, max_size=5))
    def read_many(self, tenant, keys):
        answer = self.loop.run_until_complete(self.store.read_many(tenant, keys))
        assert answer == [self.models[tenant].current(key) for key in keys]

    @rule(tenant=tenants, query=m.queries)
    def search(self, tenant, query):
        expected = self.models[tenant].search(query)
        pages = self._pages(tenant, query)
        assert [_key(v) for page in pages for v in page.versions] == expected
        assert all(len(page.versions) <= query.count for page in pages)
        assert {page.total for page in pages} == {len(expected) if query.total else None}
        assert self.loop.run_until_complete(self.store.count(tenant, query)) == len(expected)
        model = self.models[tenant]
        assert all(v == model.current(_key(v)) for page in pages for v in page.versions)

    def _pages(self, tenant: Tenant, query: Query) -> list[Page]:
        pages = [self.loop.run_until_complete(self.store.search(tenant, query))]
        while pages[-1].next:
            following = Query(
                query.types, query.where, query.sort, query.count, pages[-1].next, query.total
            )
            pages.append(self.loop.run_until_complete(self.store.search(tenant, following)))
            assert pages[-1].versions, "a page link led to nothing"
        return pages

    @rule(
        tenant=tenants,
        types=m.types,
        count=st.integers(1, 5),
        total=st.booleans(),
        since=st.none() | st.integers(-5, 20),
        before=st.none() | st.integers(-5, 20),
        restriction=st.just(EVERYTHING) | m.nodes,
        id=st.none() | st.sampled_from(m.IDS),
    )
    def history(self, tenant, types, count, total, since, before, restriction, id):
        if len(types) != 1:
            id = None
        base = Hands().now
        query = HistoryQuery(
            types,
            id,
            None if since is None else base + since * 1000,
            None if before is None else base + before * 1000,
            count,
            None,
            total,
            restriction,
        )
        expected = self._history(self.models[tenant], query)
        shown: list[Version] = []
        while True:
            page = self.loop.run_until_complete(self.store.history(tenant, query))
            assert page.total == (len(expected) if total else None)
            assert len(page.versions) <= count
            shown.extend(page.versions)
            if page.next is None:
                break
            assert page.versions
            query = HistoryQuery(
                query.types,
                query.id,
                query.since,
                query.before,
                query.count,
                page.next,
                query.total,
                query.restriction,
            )
        assert shown == expected

    def _history(self, model: Model, query: HistoryQuery) -> list[Version]:
        allowed = set(model.search(Query(frozenset(), query.restriction)))
        return [
            v
            for v in reversed(model.log)
            if (not query.types or v.type in query.types)
            and (query.id is None or v.id == query.id)
            and (query.since is None or v.last_updated >= query.since)
            and (query.before is None or v.last_updated < query.before)
            and (query.restriction == EVERYTHING or _key(v) in allowed)
        ]

    @rule(tenant=tenants, after=st.integers(0, 12), count=st.integers(1, 4))
    def changes(self, tenant, after, count):
        expected = [v for v in self.models[tenant].log if v.t > after]
        found = self.loop.run_until_complete(self.store.changes(tenant, after, count))
        assert found == expected[:count]

    @rule(tenant=tenants)
    def tail(self, tenant):
        records: list[bytes] = []
        after = 0
        while batch := self.loop.run_until_complete(self.store.tail(tenant, after, 2)):
            records.extend(record for _, record in batch)
            assert all(n > after for n, _ in batch)
            after = batch[-1][0]
        for kind in (b"u", b"a"):
            mine = [record for record in records if record[:1] == kind]
            assert mine == [record for record in self.audit[tenant] if record[:1] == kind]
        assert len(records) == len(self.audit[tenant])

    @rule(tenant=tenants, record=st.binary().map(lambda b: b"a" + b))
    def append(self, tenant, record):
        async def append() -> None:
            await self.store.append(tenant, record)

        self.loop.run_until_complete(append())
        self.audit[tenant].append(record)

    @precondition(lambda self: any(model.log for model in self.models.values()))
    @rule(tenant=tenants)
    def counts(self, tenant):
        expected: dict[str, int] = {}
        for type, _ in self.models[tenant].search(Query(frozenset())):
            expected[type] = expected.get(type, 0) + 1
        assert self.loop.run_until_complete(self.store.counts(tenant)) == expected


@pytest.mark.parametrize("engine", ENGINES)
def test_an_engine_does_what_the_model_says(engine: str) -> None:
    machine = type("Machine", (Machine,), {"opener": staticmethod(ENGINES[engine])})
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=EXAMPLES,
            stateful_step_count=25,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
