"""What Prometheus is shown: the sums over the workers of a server, by name.

Labels are an interaction, a class of statuses, a method, the number or the name of a tenant: never
an address, an id or anything else of a patient.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from itertools import accumulate

from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector

from careplane import __version__
from careplane.app.operations.gathering import Gathering, Sums
from careplane.app.operations.memory import resident
from careplane.app.operations.tally import BOUNDS

_COUNTERS = (
    ("versions", "Versions of resources that were written.", ("method", "tenant")),
    ("entries", "Entries of the Bundles that were processed.", ("tenant",)),
    ("stopped_searches", "Searches that were stopped since they took too long.", ()),
)
_GAUGES = (
    ("waiting_writes", "Resources that were handed in and are not durable yet."),
    ("waiting_audit", "Audit records that are durable and not in the audit file yet."),
    ("read_only", "Workers that refuse writes, since the disk is nearly full."),
    ("leads", "Whether a worker of this server runs the background services."),
    ("draining", "Workers that were told to go."),
)


class Exposition(Collector):
    """Makes families of samples of what was gathered."""

    def __init__(self, gathering: Gathering) -> None:
        self._gathering = gathering

    def collect(self) -> Iterator[Metric]:
        sums = self._gathering.sums()
        yield from _requests(sums)
        for name, help, labels in _COUNTERS:
            counter = CounterMetricFamily(f"careplane_{name}", help, labels=labels)
            for values, numbers in _of(sums, name):
                counter.add_metric(values, numbers[0])
            yield counter
        for name, help in _GAUGES:
            total = sum(numbers[0] for _, numbers in _of(sums, name))
            yield GaugeMetricFamily(f"careplane_{name}", help, value=total)
        names = GaugeMetricFamily(
            "careplane_tenant_info", "The name of a tenant.", labels=("tenant", "name")
        )
        for values, _ in _of(sums, "tenant_info"):
            names.add_metric(values, 1)
        yield names
        yield from _processes()


def _requests(sums: Sums) -> Iterator[Metric]:
    labels = ("interaction", "status", "tenant")
    counter = CounterMetricFamily("careplane_requests", "Requests answered.", labels=labels)
    by_interaction: dict[str, list[float]] = {}
    for values, numbers in _of(sums, "requests"):
        counter.add_metric(values, sum(numbers[1:]))
        before = by_interaction.get(values[0], [0.0] * len(numbers))
        by_interaction[values[0]] = [a + b for a, b in zip(before, numbers, strict=True)]
    yield counter
    help = "Seconds until an answer was ready."
    histogram = HistogramMetricFamily("careplane_request_seconds", help, labels=labels[:1])
    ends = [*map(str, BOUNDS), "+Inf"]
    for name, (seconds, *classes) in sorted(by_interaction.items()):
        histogram.add_metric(
            (name,), list(zip(ends, accumulate(classes), strict=True)), sum_value=seconds
        )
    yield histogram


def _of(sums: Sums, family: str) -> Iterable[tuple[tuple[str, ...], list[float]]]:
    return sorted((labels, numbers) for (name, labels), numbers in sums.items() if name == family)


def _processes() -> Iterator[Metric]:
    help = "Resident memory by kind of process; shared pages count in each."
    memory = GaugeMetricFamily("careplane_memory_bytes", help, labels=("process",))
    for role, size in resident(os.getpid()).items():
        memory.add_metric((role,), size)
    yield memory
    build = GaugeMetricFamily("careplane_build_info", "The version.", labels=("version",))
    build.add_metric((__version__,), 1)
    yield build
