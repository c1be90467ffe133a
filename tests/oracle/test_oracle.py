"""The oracle over every engine: the same draws each time; other ones, and many, in the soak."""

from __future__ import annotations

import sys
from collections import defaultdict
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings

from tests.oracle.drawing import CALLERS, REQUESTS, Round, rounds
from tests.oracle.rounds import Field, Tally, filled

pytestmark = pytest.mark.anyio
ROUNDS = 15
SOAKED = 25
_PARTS = 20
"""Of the soak, each over a store of its own."""
MANY = 25_000
"""Draws of the soak that are enough to say how much comes back."""


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="module")
def totals(request: pytest.FixtureRequest) -> Iterator[dict[tuple[str, int], Tally]]:
    """What was drawn of each engine, by rounds of a test. At the end the sum is printed, and of the
    soak it is looked at how many answers had all, some or none: the rounds of one part may happen
    to be more alike."""
    totals: defaultdict[tuple[str, int], Tally] = defaultdict(Tally)
    yield totals
    draws = sum(tally.draws for tally in totals.values())
    told = ", ".join(f"{engine} {tally.draws:,}" for (engine, _), tally in totals.items())
    capture: Any = request.config.pluginmanager.getplugin("capturemanager")
    with capture.global_and_fixture_disabled():
        sys.stdout.write(f"\n{draws:,} draws without a leak or a false denial ({told})\n")
    for (_, played), tally in totals.items():
        if played == ROUNDS or tally.draws >= MANY:
            tally.check_shares()


@pytest.fixture
async def field(
    request: pytest.FixtureRequest,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    totals: dict[tuple[str, int], Tally],
) -> AsyncIterator[Field]:
    engine, played = request.param
    async with filled(engine, tmp_path) as field:
        yield field
        if field.rounds >= played and not field.failed:  # otherwise it was broken off
            so_far = totals[request.param]
            so_far += field.tally
            with capsys.disabled():
                sys.stdout.write(f"\n{engine}: {so_far.draws} draws so far, {field.tally}\n")
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
