"""What trust costs: the same loads to this build, and to the same build that allows all and keeps
no trail (see `opened`), in turns; then decisions, the ledger and erasure by themselves.

    python -m tools.bench.trust [--starts 3] [--runs 3] [--seconds 3] [--workers 1] [--loads]
                                [--out FILE]
"""

from __future__ import annotations

import argparse
import os
import signal
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import uvloop

from tools import measure_decisions, measure_erase, measure_ledger
from tools.bench import cases, data, report, server
from tools.bench.client import Target, load

ROLE = ("--role", "physician", "--scope", "user/*.cruds")
"""Scopes and policies both have something to say of this caller."""
LIMIT = 15.0
"""Percent of the throughput that trust may take."""
_LOADS = {"GET by id": cases.reads, "search": cases.searches, "POST": cases.creates}
_CONNECTIONS = 32
_AWAKE_SECONDS = 1.5
"""After which a server that stood still has looked again what it must know."""

_HEAD = """# What trust costs

Made by `make bench` (`python -m tools.bench.trust`). The loads go to this build and, in turns, to
the same build that allows all, keeps no audit trail and makes no leaves; SQLite, a physician with
SMART scopes and the ready roles, load and server on the same {cores} cores. Medians of {runs} runs
of {seconds:g} s of each of {starts} starts, since one start is luckier than the next; what it costs
is the median of the pairs' ratios.

{loads}

## By themselves
"""
Rates = Mapping[str, Sequence[float]]


@dataclass(frozen=True, slots=True)
class _Kind:
    """One of the two builds: how it is started, with what settings, on which folder, and the
    requests a second that it answered, by load."""

    program: list[str]
    settings: dict[str, str]
    folder: Path
    rates: dict[str, list[float]]


@dataclass(frozen=True, slots=True)
class _Plan:
    """A server, where it writes down what was measured of it, and what it is asked."""

    server: server.Server
    rates: dict[str, list[float]]
    asked: dict[str, tuple[Target, Iterator[bytes]]]


def measure(starts: int, runs: int, seconds: float, workers: int) -> tuple[Rates, Rates]:
    """Requests a second by load, with trust and without: a number a run, of each start."""
    patients = data.folder()
    if patients is None:
        raise SystemExit("Set CAREPLANE_TEST_DATA to the public test data.")
    opened = [server.CAREPLANE[0], "-m", "tools.bench.opened"]
    with tempfile.TemporaryDirectory(prefix="careplane-bench-") as scratch:
        kinds = [
            _Kind(program, settings, Path(scratch) / name, {load: [] for load in _LOADS})
            for name, program, settings in (
                ("guarded", server.CAREPLANE, {}),
                ("opened", opened, {"CAREPLANE_LEDGER": "false"}),
            )
        ]
        for kind in kinds:
            server.command("init", data=kind.folder)
            server.command("import", str(patients), "--quiet", data=kind.folder)
        for _ in range(starts):
            with ExitStack() as open:
                _in_turns([_started(kind, workers, open) for kind in kinds], runs, seconds)
    return kinds[0].rates, kinds[1].rates


def _started(kind: _Kind, workers: int, open: ExitStack) -> _Plan:
    """A server that stands still."""
    running = open.enter_context(
        server.serving(
            kind.folder,
            workers=workers,
            program=kind.program,
            rights=ROLE,
            settings=kind.settings,
        )
    )
    target = Target.of(running.base, running.token)
    known = cases.learn(target)
    asked = {name: (target, make(target, known)) for name, make in _LOADS.items()}
    running.kill(signal.SIGSTOP)  # what it does beside requests would slow the other
    return _Plan(running, kind.rates, asked)


def _in_turns(plans: Sequence[_Plan], runs: int, seconds: float) -> None:
    for name in _LOADS:
        for run in range(runs + 1):
            for plan in plans:
                plan.server.kill(signal.SIGCONT)
                time.sleep(_AWAKE_SECONDS)
                target, requests = plan.asked[name]
                sample = uvloop.run(
                    load(target, requests, connections=_CONNECTIONS, seconds=seconds)
                )
                plan.server.kill(signal.SIGSTOP)
                if sample.failures:
                    raise SystemExit(f"{name}: {sample.failures[0].body[:300]!r}")
                if run:  # the first one warms up
                    plan.rates[name].append(sample.rate)
    for plan in plans:
        plan.server.kill(signal.SIGCONT)
    time.sleep(_AWAKE_SECONDS)


def table(guarded: Rates, opened: Rates) -> str:
    """A row a load: medians, and the median of the pairs' ratios."""
    rows = [
        "| load | with trust | allows all | costs | may cost |",
        "|---|---|---|---|---|",
    ]
    for name, rates in guarded.items():
        ratio = median(a / b for a, b in zip(rates, opened[name], strict=True))
        rows.append(
            f"| {name} | {median(rates):,.0f} req/s | {median(opened[name]):,.0f} req/s "
            f"| {100 * (1 - ratio):.1f} % | {LIMIT:g} % |"
        )
    return "\n".join(rows)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--starts", type=int, default=3)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=3.0)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--loads", action="store_true", help="nothing but the loads")
    parser.add_argument("--out", type=Path, help="a page to write")
    options = parser.parse_args()
    text = _HEAD.format(
        cores=os.cpu_count(),
        starts=options.starts,
        runs=options.runs,
        seconds=options.seconds,
        loads=table(*measure(options.starts, options.runs, options.seconds, options.workers)),
    )
    if not options.loads:
        text += report.facts([*measure_decisions.facts(), *measure_ledger.facts()])
        text += report.row(measure_erase.fact())
    print(text)
    if options.out:
        options.out.write_text(text)


if __name__ == "__main__":
    main()
