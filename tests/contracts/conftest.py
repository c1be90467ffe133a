"""One store of every engine, and a clock that a test moves."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.contracts.engines import ENGINES, Open, Store


class Hands:
    """A clock that stands still until it is moved."""

    def __init__(self, now: int = 1_700_000_000_000_000) -> None:
        self.now = now

    def __call__(self) -> int:
        return self.now


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(params=ENGINES)
def open_engine(request: pytest.FixtureRequest) -> Open:
    return ENGINES[request.param]


@pytest.fixture
def clock() -> Hands:
    return Hands()


@pytest.fixture
async def store(open_engine: Open, tmp_path: Path, clock: Hands) -> AsyncIterator[Store]:
    store = open_engine(tmp_path, clock)
    yield store
    await store.close()
