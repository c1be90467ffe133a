"""The trail is found by what a record is about, over every engine: the index answers what a look at
each record would."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from careplane.ledger.audit import AuditRecord, Outcome, encode
from careplane.ledger.trail import Kind, Question, Term, Trail, term, terms_of
from careplane.search.rows import Rows
from careplane.storage.ports.records import Put, Tenant, Unit
from tests.contracts.conftest import Hands
from tests.contracts.engines import Open, Store

pytestmark = pytest.mark.anyio
ONE, TWO = Tenant(1), Tenant(2)


def record(at: int, agent: str = "client/a", *patients: str, **more: object) -> AuditRecord:
    values = {"interaction": "read", "outcome": Outcome.SUCCESS, **more}
    return AuditRecord(at, 1, agent, patients=patients, **values)  # type: ignore[arg-type]


def patient(id: str) -> frozenset[Term]:
    return frozenset({term(Kind.PATIENT, id)})


async def keep(store: Store, *records: AuditRecord, tenant: Tenant = ONE) -> None:
    for one in records:
        await store.append(tenant, encode(one))


async def times(store: Store, question: Question, tenant: Tenant = ONE) -> list[int]:
    return [entry.record.recorded for entry in await Trail(store).find(tenant, question)]


async def test_records_are_found_by_each_of_their_terms(store: Store) -> None:
    versions = (("Observation", "o", 1),)
    full = record(5, "Practitioner/7", "p", "q", versions=versions, client="app", token="t-1",
                  outcome=Outcome.MINOR, emergency=True)  # fmt: skip
    await keep(store, record(1), full, record(9, "client/b", "z"))
    for one in terms_of(full) - {term(Kind.ALL), term(Kind.INTERACTION, "read")}:
        assert await times(store, Question((frozenset({one}),))) == [5], one
    assert await times(store, Question((frozenset({term(Kind.INTERACTION, "read")}),))) == [9, 5, 1]


async def test_terms_are_anded_between_sets_and_ored_within(store: Store) -> None:
    await keep(store, record(1, "a", "p"), record(2, "b", "p"), record(3, "a", "q"))
    a = frozenset({term(Kind.AGENT, "a")})
    assert await times(store, Question((patient("p"), a))) == [1]
    assert await times(store, Question((patient("p") | patient("q"), a))) == [3, 1]
    assert await times(store, Question((patient("p"),), without=a)) == [2]
    assert await times(store, Question((patient("p") | a,))) == [3, 2, 1]


async def test_of_no_terms_there_is_nothing(store: Store) -> None:
    await keep(store, record(1, "a", "p"))
    none = frozenset[Term]()
    for having in ((none,), (none, patient("p")), (patient("p"), none)):
        assert await times(store, Question(having)) == []


async def test_time_bounds_order_and_pages(store: Store) -> None:
    await keep(store, *(record(at, "a", "p") for at in (30, 10, 20, 20, 40)))
    for newest_first in (True, False):
        order = sorted((30, 10, 20, 20, 40), reverse=newest_first)
        asked = Question((patient("p"),), newest_first=newest_first)
        assert await times(store, asked) == order
        walked = [e.record.recorded async for e in Trail(store).walk(ONE, asked)]
        assert walked == order
        seen, after = [], None
        while True:
            page = await Trail(store).find(
                ONE, Question((patient("p"),), newest_first=newest_first, count=2, after=after)
            )
            if not page:
                break
            seen += [entry.record.recorded for entry in page]
            after = page[-1].place
        assert seen == order
    assert await times(store, Question((patient("p"),), since=20, before=40)) == [30, 20, 20]


async def test_a_tenant_finds_nothing_of_another(store: Store) -> None:
    await keep(store, record(1, "a", "p"))
    await keep(store, record(2, "a", "p"), tenant=TWO)
    assert await times(store, Question()) == [1]
    assert await times(store, Question((patient("p"),)), TWO) == [2]
    assert await Trail(store).get(TWO, 10**6) is None


async def test_what_a_unit_of_work_took_along_is_found(store: Store) -> None:
    one = encode(record(7, "a", "p"))
    put = Put("Patient", "1", "PUT", b"}}", Rows(), 0, Rows())
    await store.commit(ONE, Unit((put,), audit=one))
    assert await times(store, Question((patient("p"),))) == [7]


async def test_a_record_is_read_by_its_number(store: Store) -> None:
    await keep(store, record(1, "a", "p"), record(2))
    trail = Trail(store)
    for entry in await trail.find(ONE, Question()):
        assert await trail.get(ONE, entry.seq) == entry


async def test_what_is_forgotten_is_gone_from_trail_and_index(store: Store) -> None:
    await keep(store, *(record(at, "a", "p") for at in range(1, 6)))
    trail = Trail(store)
    assert await trail.forget(ONE, 4, 2) == 2
    assert await times(store, Question((patient("p"),))) == [5, 4, 3]
    assert [e.record.recorded for e in await trail.tail(ONE, 0, 10)] == [3, 4, 5]
    assert await trail.forget(ONE, 100, 100) == 2, "the last one stays"
    await keep(store, record(9, "b", "p"))
    assert await times(store, Question((patient("p"),))) == [9, 5]


async def test_the_index_outlives_a_restart(
    open_engine: Open, tmp_path: Path, clock: Hands
) -> None:
    store = open_engine(tmp_path, clock)
    await keep(store, record(1, "a", "p"))
    assert await times(store, Question((patient("p"),))) == [1]
    await keep(store, record(2, "a", "p"))
    await store.close()
    again = open_engine(tmp_path, clock)
    if await again.tail(ONE):  # an engine that keeps nothing has nothing to find
        assert await times(again, Question((patient("p"),))) == [2, 1]
        assert await Trail(again).file(100) == 0
    await again.close()


RECORDS = st.lists(
    st.builds(
        record,
        st.integers(0, 20),
        st.sampled_from(["a", "b", "Practitioner/1\n"]),
        st.sampled_from(["p", "q", "\x00"]),
        outcome=st.sampled_from(Outcome),
    ),
    max_size=12,
)
TERMS = st.frozensets(
    st.sampled_from(
        [
            *(term(Kind.PATIENT, id) for id in ("p", "q", "\x00")),
            *(term(Kind.AGENT, id) for id in ("a", "b", "Practitioner/1\n")),
            *(term(Kind.OUTCOME, code) for code in ("4", "8")),
        ]
    ),
    min_size=1,
    max_size=3,
)
BOUND = st.none() | st.integers(0, 20)


@settings(
    deadline=None,
    max_examples=15,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    RECORDS, st.lists(TERMS, max_size=2), TERMS | st.just(frozenset()), BOUND, BOUND, st.booleans()
)
async def test_the_index_answers_what_a_look_at_each_record_would(
    store: Store,
    records: list[AuditRecord],
    having: list[frozenset[Term]],
    without: frozenset[Term],
    since: int | None,
    before: int | None,
    newest_first: bool,
) -> None:
    await keep(store, *records)
    everything = await Trail(store).tail(ONE, 0, 10_000)
    wanted = [
        entry
        for entry in everything
        if all(terms_of(entry.record) & one for one in having)
        and not terms_of(entry.record) & without
        and (since is None or entry.record.recorded >= since)
        and (before is None or entry.record.recorded < before)
    ]
    wanted.sort(key=lambda entry: entry.place, reverse=newest_first)
    asked = Question(tuple(having), without, since, before, None, newest_first, 10_000)
    assert await Trail(store).find(ONE, asked) == wanted


async def test_records_come_together_as_they_come_one_by_one(store: Store) -> None:
    records = [bytes([n, 0, 255, 128]) * (n % 5 + 1) for n in range(60)]
    for n, record in enumerate(records):
        await store.append(ONE if n % 3 else TWO, record)
    assert await store.together(Tenant(9), 0, 10) is None
    for tenant in (ONE, TWO):
        one_by_one = await store.tail(tenant, 0, 1_000)
        for skipped, count in ((0, 1_000), (3, 7), (len(one_by_one) - 1, 5)):
            some = one_by_one[skipped : skipped + count]
            after = one_by_one[skipped - 1][0] if skipped else 0
            together = b"".join(record for _, record in some)
            assert await store.together(tenant, after, count) == (
                some[0][0], some[-1][0], together,
            )  # fmt: skip
        assert await store.together(tenant, one_by_one[-1][0], 10) is None
