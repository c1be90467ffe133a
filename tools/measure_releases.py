"""Measures a release of SNOMED CT's size in the embedded store, and writes `docs/code-systems.md`'s
table of figures.

    python -m tools.measure_releases [--concepts 350000] [--write]

The release is made (`make_rf2`), in the layout and size of the international edition. Loading is
timed by the wall; questions by processor time, each asked of concepts at random, nothing kept from
before: the caches begin empty and most of what is asked is not in them.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import resource
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

from careplane.storage.engines import sqlite
from careplane.storage.ports.terminology import TerminologyStore
from careplane.terminology.concepts import Filter, Selection
from careplane.terminology.importers import opened
from careplane.terminology.loading.loader import Loaded, load
from careplane.terminology.releases import Releases
from careplane.terminology.stored.concepts import StoredConcepts
from tools.make_rf2 import FINDING, SITE, make

PAGE = Path(__file__).parents[1] / "docs" / "code-systems.md"
_BEGIN, _END = "<!-- measured -->\n", "<!-- /measured -->"
_TIMES = 2_000
_FEW = 100


def main() -> None:
    """Print the table; with `--write`, put it into the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--concepts", type=int, default=350_000)
    parser.add_argument("--write", action="store_true")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        make(Path(folder) / "rf2", given.concepts)
        table = asyncio.run(_measure(Path(folder)))
    print(table)
    if given.write:
        text = PAGE.read_text("utf-8")
        head, _, rest = text.partition(_BEGIN)
        PAGE.write_text(f"{head}{_BEGIN}{table}{_END}{rest.partition(_END)[2]}", "utf-8")


async def _measure(folder: Path) -> str:
    store = sqlite.open_terminology(folder, bytes(range(32)))
    try:
        wall, used = time.perf_counter(), time.process_time()
        loaded = await load(store, opened("snomed", folder / "rf2", {}), folder, lambda *_: None)
        wall, used = time.perf_counter() - wall, time.process_time() - used
        await store.close()
        size = sum(path.stat().st_size for path in folder.glob("*.sqlite*"))
        store = sqlite.open_terminology(folder, bytes(range(32)))
        rows = [
            ("concepts, designations", f"{loaded.concepts:,}, {loaded.designations:,}"),
            ("loading", f"{wall:.0f} s, of them {used:.0f} s of one core"),
            ("most memory while loading", f"{_megabytes():,} MB"),
            ("on disk, for a concept", f"{size / loaded.concepts:,.0f} bytes"),
            *await _asked(store, loaded),
        ]
    finally:
        await store.close()
    lines = ["| what | measured |", "|---|---|", *(f"| {name} | {text} |" for name, text in rows)]
    return "\n".join(lines) + "\n"


async def _asked(store: TerminologyStore, loaded: Loaded) -> list[tuple[str, str]]:
    releases = Releases(lambda: store, time.monotonic)
    concepts = await releases.concepts(loaded.url, loaded.version)
    assert concepts is not None
    codes = await concepts.codes(Selection(), limit=loaded.concepts)
    rng = random.Random(7)

    def one() -> str:
        return rng.choice(codes)

    def text() -> Selection:
        return Selection(
            (Filter("concept", "is-a", FINDING),), text=f"heart {rng.choice('abcdef')}"
        )

    below = await _each(lambda: concepts.is_a(one(), one()))
    return [
        ("is one concept below another (`$subsumes`)", below),
        ("a concept with all it says (`$lookup`)", await _each(lambda: concepts.find(one()))),
        ("all above a concept", await _each(lambda: concepts.ancestors(one()), _FEW)),
        (
            "1,000 concepts of a hierarchy (`$expand`)",
            await _each(lambda: _page(concepts, one()), _FEW),
        ),
        ("20 concepts by words", await _each(lambda: concepts.select(text(), limit=20), _FEW)),
        ("all codes below a high concept", await _most(concepts)),
        (
            "an expression constraint with a refinement",
            await _each(lambda: concepts.count(_refined(one())), _FEW),
        ),
    ]


async def _page(concepts: StoredConcepts, after: str) -> object:
    return await concepts.select(Selection(), after=after, limit=1_000)


def _refined(site: str) -> Selection:
    return Selection((Filter("constraint", "=", f"< {FINDING} : {SITE} = << {site}"),))


async def _most(concepts: StoredConcepts) -> str:
    began = time.process_time()
    selection = Selection((Filter("concept", "is-a", FINDING),))
    found = await concepts.codes(selection, limit=1_000_000)
    return f"{len(found):,} in {(time.process_time() - began) * 1000:.0f} ms"


async def _each(work: Callable[[], Awaitable[object]], times: int = _TIMES) -> str:
    taken = []
    for _ in range(times):
        began = time.process_time()
        await work()
        taken.append((time.process_time() - began) * 1000)
    taken.sort()
    return f"{taken[times // 2]:.2f} ms; 99 of 100 in {taken[times * 99 // 100]:.2f} ms"


def _megabytes() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


if __name__ == "__main__":
    main()
