"""Writes docs/benchmarks.md out of what was measured."""

from __future__ import annotations

import os
import platform
from collections.abc import Sequence
from dataclasses import dataclass

from tools.bench.cases import Result


@dataclass(frozen=True, slots=True)
class Fact:
    """A measured figure that is no load: its name, value as text and target as text."""

    name: str
    value: str
    target: str


TARGETS = {
    "GET by id": "10,000 req/s",
    "search patient+code+date": "4,000 req/s",
    "POST, 32 connections": "1,500 req/s, p99 < 60 ms",
    "transaction, 1,000 entries": "5,000 resources/s",
}

HEAD = """# Benchmarks

Made by `make bench`; run it to see the figures of your machine. One worker on SQLite with
`synchronous=FULL`, encryption, validation, history, authorisation and one audit record a request;
the load comes from another process on the same {cores} cores. Medians of {runs} runs of
{seconds:g} s; the range of the runs beside them. Latencies are medians of the runs' percentiles.

Processor: {processor}. Python {python}. The yardsticks say what the machine itself could do in the
same minutes.

| load | median | range | p50 ms | p99 ms | failures | target |
|---|---|---|---|---|---|---|
"""


def write(results: Sequence[Result], facts: Sequence[Fact], runs: int, seconds: float) -> str:
    """The whole page."""
    text = HEAD.format(
        cores=os.cpu_count(),
        runs=runs,
        seconds=seconds,
        processor=_processor(),
        python=platform.python_version(),
    )
    text += "".join(map(_row, results))
    if facts:
        text += "\n| measured | value | target |\n|---|---|---|\n"
        text += "".join(f"| {fact.name} | {fact.value} | {fact.target} |\n" for fact in facts)
    return text + HOW


HOW = """
To measure another FHIR server with the same loads and data:

    python -m tools.bench --base https://other.example/fhir --token TOKEN --load
"""


def _row(result: Result) -> str:
    low, high = result.spread
    return (
        f"| {result.name} | {result.rate:,.0f} {result.unit} | {low:,.0f}-{high:,.0f} "
        f"| {result.latency(50):.1f} | {result.latency(99):.1f} | {len(result.failures)} "
        f"| {TARGETS[result.name]} |\n"
    )


def _processor() -> str:
    try:
        with open("/proc/cpuinfo") as file:
            return next(line.split(":", 1)[1].strip() for line in file if "model name" in line)
    except (OSError, StopIteration):
        return platform.processor() or "unknown"
