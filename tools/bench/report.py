"""Writes docs/benchmarks.md out of what was measured."""

from __future__ import annotations

import os
import platform
from collections.abc import Sequence
from dataclasses import dataclass

from tools.bench.cases import Result
from tools.bench.setups import Fact, Setup


@dataclass(frozen=True, slots=True)
class Page:
    """What was measured of one setup."""

    setup: Setup
    results: Sequence[Result]
    facts: Sequence[Fact]


HEAD = """# Benchmarks

Made by `make bench`; run it to see the figures of your machine. Every row with
`synchronous=FULL`, encryption, validation, history, authorisation and one audit record a request;
the load comes from another process on the same {cores} cores. Medians of {runs} runs of
{seconds:g} s; the range of the runs beside them. Latencies are medians of the runs' percentiles.

Processor: {processor}. Python {python}.
"""
_LOADS = """
| load | median | range | p50 ms | p99 ms | failures | target |
|---|---|---|---|---|---|---|
"""
_FACTS = """
| measured | value | target |
|---|---|---|
"""


def write(pages: Sequence[Page], yardsticks: Sequence[Fact], runs: int, seconds: float) -> str:
    """The whole page."""
    text = HEAD.format(
        cores=os.cpu_count(),
        runs=runs,
        seconds=seconds,
        processor=_processor(),
        python=platform.python_version(),
    )
    for page in pages:
        text += f"\n## {page.setup.name}\n{_LOADS}"
        text += "".join(_row(result, page.setup) for result in page.results)
        text += facts(page.facts)
    if yardsticks:
        text += "\n## Yardsticks\n\nWhat the machine itself could do in the same minutes.\n"
        text += facts(yardsticks)
    return text + HOW


def facts(found: Sequence[Fact]) -> str:
    """A table of them."""
    return _FACTS + "".join(map(row, found)) if found else ""


def row(fact: Fact) -> str:
    """One more row of such a table."""
    return f"| {fact.name} | {fact.value} | {fact.target} |\n"


HOW = """
To measure another FHIR server with the same loads and data:

    python -m tools.bench --base https://other.example/fhir --token TOKEN --load
"""


def _row(result: Result, setup: Setup) -> str:
    low, high = result.spread
    return (
        f"| {result.name} | {result.rate:,.0f} {result.unit} | {low:,.0f}-{high:,.0f} "
        f"| {result.latency(50):.1f} | {result.latency(99):.1f} | {len(result.failures)} "
        f"| {setup.target(result.name)} |\n"
    )


def _processor() -> str:
    try:
        with open("/proc/cpuinfo") as file:
            return next(line.split(":", 1)[1].strip() for line in file if "model name" in line)
    except (OSError, StopIteration):
        return platform.processor() or "unknown"
