"""Retention of histories: which versions go, over the engines, and how a policy is written."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from careplane.kernel.errors import Incorrect
from careplane.kernel.ids import new_id
from careplane.ledger.audit import decode
from careplane.records.parts import Parts
from careplane.records.retention import Keep, Retention, parse_policy
from careplane.search.extract import extract
from careplane.search.rows import Rows
from careplane.storage.engines.memory import MemoryState
from careplane.storage.ports.records import HistoryQuery, Put, Tenant, Unit
from tests.contracts.conftest import Hands
from tests.contracts.engines import ENGINES, Store
from tests.fhir_house import REGISTRY, decider

pytestmark = pytest.mark.anyio
TENANT = Tenant(1)
DAY = 86_400_000_000


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def clock() -> Hands:
    return Hands()


@pytest.fixture(params=["memory", "sqlite"])
async def store(
    request: pytest.FixtureRequest, tmp_path: Path, clock: Hands
) -> AsyncIterator[Store]:
    store = ENGINES[request.param](tmp_path, clock)
    yield store
    await store.close()


def service(store: Store, clock: Hands, policy: str) -> Retention:
    parts = Parts(store, store, decider(), REGISTRY, extract, clock, new_id)
    return Retention(parts, MemoryState(), TENANT, parse_policy(policy))


async def write(store: Store, clock: Hands, type: str, times: int, delete: bool = False) -> None:
    for n in range(times):
        method = "DELETE" if delete and n == times - 1 else "PUT"
        rest = b"" if method == "DELETE" else b"{}"
        await store.commit(TENANT, Unit((Put(type, "1", method, rest, Rows(), n, Rows()),)))
        clock.now += DAY


async def kept(store: Store, type: str) -> list[int]:
    page = await store.history(TENANT, HistoryQuery(frozenset({type})))
    return [v.version for v in page.versions]


@pytest.mark.parametrize(
    ("policy", "observations", "patients"),
    [
        ("", [5, 4, 3, 2, 1], [5, 4, 3, 2, 1]),
        ("Observation=1v", [5, 4], [5, 4, 3, 2, 1]),
        ("*=0v", [5], [5]),
        ("Observation=0v,*=2v", [5], [5, 4, 3]),
        ("*=100v", [5, 4, 3, 2, 1], [5, 4, 3, 2, 1]),
        ("Patient=3d", [5, 4, 3, 2, 1], [5, 4, 3]),
        ("*=0d", [5], [5]),
    ],
)
async def test_what_goes(
    store: Store, clock: Hands, policy: str, observations: list[int], patients: list[int]
) -> None:
    await write(store, clock, "Observation", 5)
    await write(store, clock, "Patient", 5)
    retention = service(store, clock, policy)
    while await retention.step():
        pass
    assert await kept(store, "Observation") == observations
    assert await kept(store, "Patient") == patients
    assert await retention.step()  # and begins anew


async def test_a_deletion_stays_and_each_step_is_audited(store: Store, clock: Hands) -> None:
    await write(store, clock, "Observation", 3, delete=True)
    retention = service(store, clock, "*=0v")
    while await retention.step():
        pass
    assert await kept(store, "Observation") == [3]
    (record,) = [decode(raw) for _, raw in await store.tail(TENANT)]
    assert (record.agent, record.interaction) == ("service/retention", "retention")
    assert record.versions == (("Observation", "1", 1), ("Observation", "1", 2))


def test_a_policy_is_read() -> None:
    assert parse_policy("Observation=5v, *=365d") == {
        "Observation": Keep(versions=5),
        "*": Keep(days=365),
    }
    assert parse_policy("") == {}


@pytest.mark.parametrize("text", ["5v", "Robot=5v", "*=5", "*=-1v", "*=1v,*=2v", "*=9999999d"])
def test_a_policy_that_cannot_be_read(text: str) -> None:
    with pytest.raises(Incorrect):
        parse_policy(text)
