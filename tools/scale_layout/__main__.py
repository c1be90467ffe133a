"""python -m tools.scale_layout: measure, show and calculate; write docs/scale.md."""

from __future__ import annotations

import argparse
import asyncio
import itertools
import os
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from careplane.storage.ports.records import Put
from tools.bench import postgres
from tools.measure_postgres import dropped, keep
from tools.measure_store import ROOT, bundles
from tools.scale_layout.asks import Known
from tools.scale_layout.evidence import Shown, all_of, cut_up, fill, planned_once, show
from tools.scale_layout.layouts import BY_RESOURCE, BY_TENANT, PARTS
from tools.scale_layout.projected import SIZES, projected
from tools.scale_layout.sizes import Measured, measured
from tools.scale_layout.text import excerpt, excerpts, numbers, sizes_of, touched

PAGE = ROOT / "docs" / "scale.md"
TENANTS = range(1, 17)
BUNDLES = 6
CHART = "search by patient, code and date"


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tools.scale_layout", description=__doc__)
    parser.add_argument(
        "--copies", type=int, default=8, help="of the patients, for the larger size"
    )
    parser.add_argument("--dry", action="store_true", help="print, and leave docs/ as it is")
    options = parser.parse_args()
    with postgres.running() as address:
        text = asyncio.run(_text(address, options.copies))
    print(text)
    if not options.dry:
        keep(PAGE, text)


async def _text(address: str, more: int) -> str:
    load = f"{os.cpu_count()} cores (load {os.getloadavg()[0]:.1f} before), the database beside"
    some = _unique(itertools.islice(bundles(), BUNDLES))
    by_tenant, once = await _shown(address, BY_TENANT, some)
    astray = {one.name: sorted(one.parts) for one in by_tenant if len(one.parts) != 1}
    if astray:
        raise SystemExit(f"These touch more than the part of their tenant: {astray}")
    by_resource, _ = await _shown(address, BY_RESOURCE, some)
    puts = _unique(bundles())
    small, large = [await _measured(address, puts, number) for number in (1, more)]
    return "\n\n".join(
        [
            f"On {load}. {len(some):,} resources for each of {len(TENANTS)} tenants, "
            f"every table in {PARTS} hash partitions.",
            touched(by_tenant, by_resource),
            *excerpts(by_tenant),
            excerpt(f"{CHART}, as it is planned once for all values", once),
            sizes_of(small, large),
            numbers([projected(small, large, count) for count in SIZES]),
        ]
    )


def _unique(bundles: Iterable[list[Put]]) -> list[Put]:
    return list({(put.type, put.id): put for some in bundles for put in some}.values())


async def _shown(
    address: str, columns: Mapping[str, str], puts: Sequence[Put]
) -> tuple[list[Shown], list[str]]:
    url = postgres.fresh(address)
    try:
        with tempfile.TemporaryDirectory(prefix="careplane-scale-") as name:
            folder = Path(name)
            await cut_up(url, folder, columns)
            await fill(url, folder, puts, TENANTS)
            shown = await show(url, folder, all_of(_known(puts)))
            return shown, await planned_once(url, shown, CHART, "JOIN version")
    finally:
        await dropped(address, url.rpartition("search_path=")[2])


async def _measured(address: str, puts: Sequence[Put], number: int) -> Measured:
    url = postgres.fresh(address)
    try:
        return await measured(url, puts, number)
    finally:
        await dropped(address, url.rpartition("search_path=")[2])


def _known(puts: Sequence[Put]) -> Known:
    """An Observation with a quantity, and its patient."""
    observation = next(put for put in puts if put.type == "Observation" and put.rows.quantities)
    patient = next(row.id for row in observation.rows.references if row.type == "Patient")
    person = next(put for put in puts if (put.type, put.id) == ("Patient", patient))
    family = next(row.text for row in person.rows.strings if row.param == "Patient.family")
    code = next(row.code for row in observation.rows.tokens if row.param == "Observation.code")
    return Known(patient, family, observation.id, code, "2016-05-01T10:00:00Z")


if __name__ == "__main__":
    main()
