"""What packages and profiles cost: `python -m tools.measure_packages us-core.tgz`. In processor
time of one core, medians.

A package is added to an empty data folder. Its artifacts are found by canonical; its own examples
are held against the profiles that they claim, as a write does it where the policy is `*=enforce`:
with nothing at hand, and then again and again.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import tarfile
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from statistics import median
from typing import Any

from careplane.app import keys
from careplane.app.build import TENANT, Careplane, build
from careplane.app.settings import Settings
from careplane.records.bodies import Content, accept
from careplane.search.extract import extract
from tools.bench.setups import Fact

_TIMES = 20


def examples(package: Path) -> Iterator[dict[str, Any]]:
    """The examples in a package."""
    with tarfile.open(package) as archive:
        for member in archive:
            name = member.name.removeprefix("package/example/")
            if name != member.name and name.endswith(".json") and not name.startswith("."):
                file = archive.extractfile(member)
                if file is not None:
                    yield json.load(file)


async def _spent(work: Callable[[], Awaitable[object]]) -> float:
    """Microseconds of processor time, of all threads."""
    before = time.process_time_ns()
    await work()
    return (time.process_time_ns() - before) / 1000


async def _again(work: Callable[[], Awaitable[object]]) -> float:
    return median([await _spent(work) for _ in range(_TIMES)])


async def _measure(data: Path, package: Path) -> list[Fact]:
    here = build(Settings(data=data, profiles="*=enforce", ledger=False))
    try:
        added = await _spent(lambda: here.packaging.adding.file(package))
        listed = await _spent(here.packaging.packages.catalogue)
        cold, hot = await _found(here)
        first, again = await _held(here, package)
    finally:
        await here.close()
    size = (data / "packages.sqlite").stat().st_size
    observations = [spent for type, spent in again if type == "Observation"]
    return [
        Fact(f"adding {package.name}", f"{added / 1e6:.2f} s", ""),
        Fact("its size on disk", f"{size / 1e6:.1f} MB", ""),
        Fact("the catalogue, in a process that has not asked yet", f"{listed / 1e3:.0f} ms", ""),
        Fact("an artifact by canonical, for the first time", f"{cold:.0f} µs", ""),
        Fact("an artifact by canonical, at hand", f"{hot:.1f} µs", ""),
        Fact(f"all {len(again)} examples, with nothing at hand", f"{first / 1e3:.0f} ms", ""),
        Fact("an example again", f"{median(spent for _, spent in again):.0f} µs", ""),
        Fact("an Observation again", f"{median(observations):.0f} µs", "60 µs"),
    ]


async def _found(here: Careplane) -> tuple[float, float]:
    packages = here.packaging.packages
    entries = (await packages.catalogue()).entries
    cold, hot = [], []
    for entry in entries:

        async def find(type: str = entry.header.type, url: str = entry.header.url) -> object:
            return await packages.artifact(type, url)

        cold.append(await _spent(find))
        hot.append(await _spent(find))
    return median(cold), median(hot)


async def _held(here: Careplane, package: Path) -> tuple[float, list[tuple[str, float]]]:
    profiles = here.parts.profiles
    assert profiles is not None
    first, again = 0.0, []
    for example in examples(package):
        content = accept(extract, json.dumps(example).encode(), example["resourceType"])

        async def write(content: Content = content) -> object:
            return await profiles.written(TENANT, content)

        first += await _spent(write)
        again.append((content.type, await _again(write)))
    return first, again


def facts(package: Path) -> list[Fact]:
    """What is measured."""
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder) / "data"
        keys.create(data)
        return asyncio.run(_measure(data, package))


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(prog="python -m tools.measure_packages", description=__doc__)
    parser.add_argument("package", type=Path, help="a package with examples, such as US Core's")
    for fact in facts(parser.parse_args().package):
        print(f"{fact.name}: {fact.value}" + (f" (target {fact.target})" if fact.target else ""))


if __name__ == "__main__":
    main()
