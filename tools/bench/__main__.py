"""python -m tools.bench: measure Careplane, or with --base any other FHIR server."""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Mapping
from contextlib import nullcontext
from pathlib import Path
from statistics import median

import uvloop

from tools.bench import cases, data, postgres, report, server, yardstick
from tools.bench.client import Target, load
from tools.bench.setups import SETUPS, Fact, Setup


def main() -> None:
    options = _options()
    if options.base:
        _elsewhere(options)
    else:
        _careplane(options)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tools.bench", description=__doc__)
    parser.add_argument("--base", help="base address of another FHIR server")
    parser.add_argument("--token", help="bearer token for it")
    parser.add_argument("--load", action="store_true", help="send it the synthetic patients first")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=5.0, help="length of a run")
    names = [setup.name for setup in SETUPS]
    parser.add_argument("--only", nargs="+", choices=names, default=names, help="of all setups")
    parser.add_argument("--dry", action="store_true", help="print, and leave docs/ as it is")
    return parser.parse_args()


def _elsewhere(options: argparse.Namespace) -> None:
    target = Target.of(options.base, options.token)
    if options.load:
        sent = [target.request("POST", "", body) for _, body in data.regrouped(1000)]
        sample = uvloop.run(load(target, iter(sent), connections=1, seconds=3600))
        print(f"loaded {len(sample.latencies)} bundles, {len(sample.failures)} refused")
    results = cases.run(
        target, runs=options.runs, seconds=options.seconds, known=cases.learn(target)
    )
    page = report.Page(Setup(options.base, 0, {}), results, [])
    print(report.write([page], [], options.runs, options.seconds))


def _careplane(options: argparse.Namespace) -> None:
    pages = [_measured(setup, options) for setup in SETUPS if setup.name in options.only]
    empty = yardstick.empty_application(options.runs, options.seconds)
    loop = yardstick.plain_loop(options.runs)
    facts = [
        Fact(
            "an empty application behind the same server under the GET load",
            f"{empty:,.0f} req/s",
            "-",
        ),
        Fact("a turn of a plain Python loop", f"{loop:.0f} ns", "-"),
    ]
    text = report.write(pages, facts, options.runs, options.seconds)
    print(text)
    for answer in [one for page in pages for result in page.results for one in result.failures][:3]:
        print("failed:", answer.status, answer.body[:400])
    if not options.dry:
        (data.ROOT / "docs" / "benchmarks.md").write_text(text)


def _measured(setup: Setup, options: argparse.Namespace) -> report.Page:
    """All figures of one way to run Careplane."""
    at = postgres.running() if setup.database else nullcontext("")
    with tempfile.TemporaryDirectory(prefix="careplane-bench-") as scratch, at as address:
        databases = [postgres.fresh(address) if address else "" for _ in range(options.runs)]
        folders = [Path(scratch) / f"import-{run}" for run in range(options.runs)]
        pairs = list(zip(folders, databases, strict=True))
        imports = [_import(folder, database) for folder, database in pairs]
        folder, database = pairs[0]
        stored = postgres.size(database) if database else server.size(folder)
        more = {"CAREPLANE_DATABASE": database}
        starts = [_start(folder, setup, more) for _ in range(options.runs)]
        with server.serving(folder, setup.workers, more, server.CAREPLANE) as running:
            target = Target.of(running.base, running.token)
            known = cases.learn(target)
            results = cases.run(target, runs=options.runs, seconds=options.seconds, known=known)
            memory = running.memory()
    facts = [
        setup.fact(
            f"`careplane import` of {imports[0][1]:,} resources, start of the command included",
            f"{median(rate for rate, _ in imports):,.0f} resources/s",
        ),
        setup.fact("on disk, all of it", f"{stored / imports[0][1] / 1000:.2f} kB a resource"),
        setup.fact("start to first answer", f"{median(starts):.2f} s"),
        setup.fact("memory after all loads, without the database", f"{memory:,.0f} MB"),
    ]
    return report.Page(setup, results, facts)


def _import(folder: Path, database: str) -> tuple[float, int]:
    patients = data.folder()
    if patients is None:
        raise SystemExit("Set CAREPLANE_TEST_DATA to the public test data.")
    server.command("init", data=folder)
    began = time.perf_counter()
    server.started("import", str(patients), "--quiet", data=folder, database=database)
    seconds = time.perf_counter() - began
    count = sum(len(bundle["entry"]) for bundle in data.bundles())
    return count / seconds, count


def _start(folder: Path, setup: Setup, settings: Mapping[str, str]) -> float:
    with server.serving(folder, setup.workers, settings, server.CAREPLANE) as running:
        return running.started


if __name__ == "__main__":
    main()
