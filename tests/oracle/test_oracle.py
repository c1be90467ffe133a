"""The oracle over every engine: the same draws each time; other ones, and many, in the soak."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given, settings

from tests.oracle.drawing import CALLERS, REQUESTS, Round, rounds
from tests.oracle.rounds import Field, filled

pytestmark = pytest.mark.anyio
ROUNDS = 15
SOAKED = 25
_PARTS = 20
"""Of the soak, each over a store of its own."""


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="module")
def totals() -> Counter[str]:
    """Draws of each engine."""
    return Counter()


@pytest.fixture
async def field(
    request: pytest.FixtureRequest,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    totals: Counter[str],
) -> AsyncIterator[Field]:
    engine, played = request.param
    async with filled(engine, tmp_path) as field:
        yield field
        if field.rounds >= played:  # otherwise the test has failed, or was broken off
            totals[engine] += field.tally.draws
            with capsys.disabled():
                sys.stdout.write(f"\n{engine}: {totals[engine]} draws so far, {field.tally}\n")
            field.tally.check(played * CALLERS * REQUESTS)


_DRAWN = settings(
    deadline=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
    database=None,
    max_examples=ROUNDS,
    derandomize=True,
)


@_DRAWN
@given(rounds)
@pytest.mark.parametrize(
    "field",
    [(e, ROUNDS) for e in ("memory", "sqlite", "postgres")],
    indirect=True,
    ids=lambda p: p[0],
)
async def test_answers_are_a_filter_over_all_rows(field: Field, drawn: Round) -> None:
    await field.play(drawn)


@pytest.mark.soak
@pytest.mark.timeout(1200)
@settings(_DRAWN, max_examples=SOAKED, derandomize=False, print_blob=True)
@given(rounds)
@pytest.mark.parametrize("part", range(_PARTS))
@pytest.mark.parametrize(
    "field", [(e, SOAKED) for e in ("sqlite", "postgres")], indirect=True, ids=lambda p: p[0]
)
async def test_they_are_so_a_hundred_thousand_times(field: Field, part: int, drawn: Round) -> None:
    await field.play(drawn)
