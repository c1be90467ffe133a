"""The loads: what is asked, over how many connections, and what comes out as numbers."""

from __future__ import annotations

import itertools
import json
import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from statistics import median
from typing import Any
from urllib.parse import quote, urlencode

import uvloop

from tools.bench import data
from tools.bench.client import Answer, Sample, Target, load


@dataclass(slots=True)
class Result:
    """Runs of one load. `unit` is what a run counts a second; `weight` how many of them one
    request is worth (a bundle of 1,000 entries is worth 1,000 resources)."""

    name: str
    unit: str
    weight: int = 1
    samples: list[Sample] = field(default_factory=list)

    @property
    def rate(self) -> float:
        return median(sample.rate for sample in self.samples) * self.weight

    @property
    def spread(self) -> tuple[float, float]:
        rates = [sample.rate * self.weight for sample in self.samples]
        return min(rates), max(rates)

    def latency(self, percent: int) -> float:
        return median(sample.percentile(percent) for sample in self.samples)

    @property
    def failures(self) -> list[Answer]:
        return [answer for sample in self.samples for answer in sample.failures]


@dataclass(frozen=True, slots=True)
class Known:
    """Resources that the server has, out of which requests are made."""

    observations: list[dict[str, Any]]
    template: dict[str, Any]


def learn(target: Target, wanted: int = 2000) -> Known:
    """Ask the server for Observations that it has."""
    found: list[dict[str, Any]] = []
    page = itertools.count(0)
    path: str | None = "/Observation?_count=500"
    while path and len(found) < wanted and next(page) < 50:
        bundle = json.loads(_one(target, target.request("GET", path)).body)
        found += [entry["resource"] for entry in bundle.get("entry", ())]
        path = _next(bundle, target)
    if not found:
        raise SystemExit("The server has no Observation; run with --load to send it some.")
    template = next(r for r in found if "valueQuantity" in r)
    return Known(found, {k: v for k, v in template.items() if k not in ("id", "meta")})


def _next(bundle: dict[str, Any], target: Target) -> str | None:
    links = {link["relation"]: link["url"] for link in bundle.get("link", ())}
    following: str | None = links.get("next")
    if following is None:
        return None
    marker = target.path + "/"
    return "/" + following.split(marker, 1)[1] if marker in following else None


def _one(target: Target, request: bytes) -> Answer:
    answers: list[Answer] = []
    uvloop.run(load(target, iter([request]), connections=1, seconds=60, keep=answers.append))
    if not answers or answers[0].status >= 400:
        raise SystemExit(
            f"The server refused: {answers[0].body[:500]!r}" if answers else "No answer."
        )
    return answers[0]


def reads(target: Target, known: Known) -> Iterator[bytes]:
    """GET by id, at random."""
    requests = [target.request("GET", f"/Observation/{quote(o['id'])}") for o in known.observations]
    return _shuffled(requests)


def searches(target: Target, known: Known) -> Iterator[bytes]:
    """The commonest clinical question: values of one kind, of one patient, since a day."""
    requests = []
    for one in known.observations:
        coding = one["code"]["coding"][0]
        pairs = {
            "patient": one["subject"]["reference"],
            "code": f"{coding['system']}|{coding['code']}",
            "date": f"ge{one['effectiveDateTime'][:4]}",
        }
        requests.append(target.request("GET", f"/Observation?{urlencode(pairs)}"))
    return _shuffled(requests)


def creates(target: Target, known: Known) -> Iterator[bytes]:
    """POST of single Observations, no two alike."""
    for number in itertools.count():
        value = {**known.template["valueQuantity"], "value": number}
        body = json.dumps({**known.template, "valueQuantity": value}).encode()
        yield target.request("POST", "/Observation", body)


def transactions(target: Target, size: int) -> Iterator[bytes]:
    """POST of transaction bundles, over and over."""
    made = [target.request("POST", "", body) for _, body in data.regrouped(size)]
    return itertools.cycle(made)


def _shuffled(requests: list[bytes]) -> Iterator[bytes]:
    random.Random(7).shuffle(requests)
    return itertools.cycle(requests)


def run(target: Target, *, runs: int, seconds: float, known: Known) -> list[Result]:
    """All loads, `runs` times each; the first moments of each warm the server up, uncounted."""
    plans = [
        (Result("GET by id", "req/s"), reads(target, known), 32),
        (Result("search patient+code+date", "req/s"), searches(target, known), 32),
        (Result("POST, 32 connections", "req/s"), creates(target, known), 32),
        (Result("transaction, 1,000 entries", "resources/s", 1000), transactions(target, 1000), 2),
    ]
    for result, requests, connections in plans:
        uvloop.run(load(target, requests, connections=connections, seconds=seconds / 5))
        for _ in range(runs):
            result.samples.append(
                uvloop.run(load(target, requests, connections=connections, seconds=seconds))
            )
    return [result for result, _, _ in plans]
