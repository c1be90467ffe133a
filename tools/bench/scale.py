"""python -m tools.bench.scale --copies 31: how answers change while a store grows to a million.

The synthetic patients are stored once, and then again under new ids as often as is asked for; the
same questions are put to both stores, one at a time.
"""

from __future__ import annotations

import argparse
import gzip
import itertools
import json
import random
import re
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlencode

import uvloop

from tools.bench import cases, data, server
from tools.bench.client import Answer, Target, load

_UUID = re.compile(r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b")
_ASKED = 400
"""Questions of each kind."""
_BIG = 10_000
"""Resources of the patient whose whole record is asked for."""
Row = tuple[str, str]


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tools.bench.scale", description=__doc__)
    parser.add_argument("--copies", type=int, default=31, help="31 make a million resources")
    parser.add_argument("--out", type=Path, help="write the table here")
    options = parser.parse_args()
    tables = {copies: dict(_measured(copies)) for copies in (1, options.copies)}
    text = _table(tables)
    print(text)
    if options.out:
        options.out.write_text(text)


def copied(number: int) -> Iterator[tuple[str, bytes]]:
    """The bundles of one copy, with a name each; copy 0 is the patients as they are."""
    folder = data.folder()
    if folder is None:
        raise SystemExit("Set CAREPLANE_TEST_DATA to the public test data.")
    for path in sorted(folder.glob("*.json.gz")):
        text = gzip.decompress(path.read_bytes()).decode()
        if number:
            text = _UUID.sub(lambda found: str(_other(number, found[0])), text)
        yield f"{number}-{path.name.removesuffix('.gz')}", text.encode()


def _other(number: int, id: str) -> uuid.UUID:
    return uuid.uuid5(uuid.UUID(id), str(number))


def _measured(copies: int) -> Iterator[Row]:
    with tempfile.TemporaryDirectory(prefix="careplane-scale-") as scratch:
        folder = Path(scratch) / "data"
        server.command("init", data=folder)
        count, seconds = _filled(folder, Path(scratch) / "copy", copies)
        yield "resources", f"{count:,}"
        yield "import", f"{count / seconds:,.0f} resources/s"
        yield "on disk", f"{server.size(folder) / count / 1000:.2f} kB a resource"
        with server.serving(folder, program=server.CAREPLANE) as running:
            target = Target.of(running.base, running.token)
            for name, paths in _questions(cases.learn(target), target).items():
                yield name, _latency(target, paths)
            yield f"$everything of {_BIG:,} resources, all pages", _everything(target, running)
        began = time.perf_counter()
        server.command("export", str(Path(scratch) / "out"), data=folder)
        yield "export", f"{(count + _BIG) / (time.perf_counter() - began):,.0f} resources/s"


def _filled(folder: Path, copy: Path, copies: int) -> tuple[int, float]:
    """Import all copies; how many resources, in how many seconds."""
    count, seconds = 0, 0.0
    for number in range(copies):
        copy.mkdir()
        for name, bundle in copied(number):
            (copy / name).write_bytes(bundle)
            count += len(json.loads(bundle)["entry"])
        began = time.perf_counter()
        server.command("import", str(copy), "--quiet", data=folder)
        seconds += time.perf_counter() - began
        for path in copy.iterdir():
            path.unlink()
        copy.rmdir()
    return count, seconds


def _questions(known: cases.Known, target: Target) -> dict[str, list[str]]:
    chosen = random.Random(7).choices(known.observations, k=_ASKED)
    codes = [one["code"]["coding"][0]["code"] for one in chosen]
    patients = [one["subject"]["reference"].split("/")[1] for one in chosen]
    families = _families(target)
    return {
        "GET by id": [f"/Observation/{one['id']}" for one in chosen],
        "search patient+code+date": [
            "/Observation?"
            + urlencode(
                {
                    "patient": one["subject"]["reference"],
                    "code": one["code"]["coding"][0]["code"],
                    "date": f"ge{one['effectiveDateTime'][:4]}",
                }
            )
            for one in chosen
        ],
        "chain: Observation?subject:Patient.family=&code=": [
            f"/Observation?subject:Patient.family={family}&code={code}"
            for family, code in zip(itertools.cycle(families), codes, strict=False)
        ],
        "_has: Patient?_has:Observation:patient:code=&_id=": [
            f"/Patient?_has:Observation:patient:code={code}&_id={patient}"
            for code, patient in zip(codes, patients, strict=True)
        ],
        "_has: Patient?_has:Observation:patient:code=&family=": [
            f"/Patient?_has:Observation:patient:code={code}&family={family}"
            for code, family in zip(codes, itertools.cycle(families), strict=False)
        ],
    }


def _families(target: Target) -> list[str]:
    bundle = json.loads(_answers(target, ["/Patient?_count=90"])[0].body)
    return [entry["resource"]["name"][0]["family"] for entry in bundle["entry"]]


def _latency(target: Target, paths: list[str]) -> str:
    requests = iter([target.request("GET", path) for path in paths])
    sample = uvloop.run(load(target, requests, connections=1, seconds=600))
    if sample.failures:
        raise SystemExit(f"refused: {sample.failures[0].body[:300]!r}")
    return f"p50 {sample.percentile(50):.1f} ms, p95 {sample.percentile(95):.1f} ms"


def _answers(target: Target, paths: list[str]) -> list[Answer]:
    answers: list[Answer] = []
    requests = iter([target.request("GET", path) for path in paths])
    uvloop.run(load(target, requests, connections=1, seconds=600, keep=answers.append))
    return answers


def _everything(target: Target, running: server.Server) -> str:
    """A patient with many resources, read whole by following the links."""
    for number in range(0, _BIG, 1000):
        uvloop.run(load(target, iter([_many(target, number)]), connections=1, seconds=60))
    began = time.perf_counter()
    found = sum(1 for _ in server.search(running, "/Patient/big/$everything?_count=1000"))
    if found <= _BIG:
        raise SystemExit(f"only {found} resources of the big patient were found")
    return f"{time.perf_counter() - began:.2f} s"


def _many(target: Target, first: int) -> bytes:
    resources: list[tuple[str, dict[str, object]]] = [
        ("Patient/big", {"resourceType": "Patient", "id": "big"})
    ]
    resources += [
        (
            f"Observation/big-{number}",
            {
                "resourceType": "Observation",
                "id": f"big-{number}",
                "status": "final",
                "code": {"coding": [{"system": "http://loinc.org", "code": "8867-4"}]},
                "subject": {"reference": "Patient/big"},
                "valueQuantity": {"value": number % 200, "unit": "/min"},
            },
        )
        for number in range(first, first + 1000)
    ]
    entry = [
        {"resource": resource, "request": {"method": "PUT", "url": url}}
        for url, resource in resources
    ]
    bundle = {"resourceType": "Bundle", "type": "transaction", "entry": entry}
    return target.request("POST", "", json.dumps(bundle).encode())


def _table(tables: dict[int, dict[str, str]]) -> str:
    small, large = tables.values()
    render: Callable[[str], str] = lambda name: f"| {name} | {small[name]} | {large[name]} |"  # noqa: E731
    head = "| | once | copied |\n|---|---|---|\n"
    return head + "\n".join(map(render, small)) + "\n"


if __name__ == "__main__":
    main()
