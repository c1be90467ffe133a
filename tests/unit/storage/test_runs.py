"""Runs: whoever takes what is fresh beside whoever puts it there misses nothing, and has nothing
twice."""

from __future__ import annotations

import threading

import pytest

from careplane.storage.engines.sqlite.runs import Fresh, Run, numbered, packed, runs_of, size

COUNT = 20_000


def opened(run: Run) -> list[tuple[int, int, bytes | None]]:
    tenants, records = run.opened()
    return list(zip(range(run.first, run.last + 1), tenants, records, strict=True))


@pytest.mark.parametrize(("whole", "at_once"), [(1, 1), (7, 1), (200, 25), (7, 20)])
def test_a_thread_takes_beside_another_that_puts(whole: int, at_once: int) -> None:
    fresh = Fresh(0, most=COUNT, whole=whole)
    found: list[tuple[int, int, bytes | None]] = []

    def take() -> None:
        while len(found) < COUNT:
            runs = fresh.behind(len(found), 100)
            assert runs is not None
            for run in runs:
                found.extend(opened(run))

    taker = threading.Thread(target=take)
    taker.start()
    for start in range(1, COUNT + 1, at_once):
        numbers = range(start, start + at_once)
        fresh.put([n % 2 for n in numbers], [b"%d" % n for n in numbers])
    taker.join(timeout=60)
    assert found == [(n, n % 2, b"%d" % n) for n in range(1, COUNT + 1)]


def test_what_was_dropped_is_told_from_what_there_is_not() -> None:
    fresh = Fresh(0, most=2, whole=3)
    for n in range(10):
        fresh.put([1], [b"%d" % n])
    assert fresh.behind(0, 1) is None
    runs = fresh.behind(4, 100)
    assert runs is not None
    assert [run.first for run in runs] == [5, 7, 10]
    assert fresh.behind(10, 1) == []


@pytest.mark.parametrize(
    ("numbers", "firsts"),
    [([1, 2, 3], [1]), ([1, 2, 4, 5, 9], [1, 4, 9]), ([7], [7]), ([], [])],
)
def test_rows_that_leave_some_out_are_several_runs(numbers: list[int], firsts: list[int]) -> None:
    runs = runs_of([(n, 1, b"%d" % n) for n in numbers])
    assert [run.first for run in runs] == firsts
    assert [n for run in runs for n, _, _ in opened(run)] == numbers


def test_a_run_has_a_good_size() -> None:
    runs = list(packed(1, [1] * 600, [bytes(10)] * 600))
    assert [size(run) for run in runs] == [250, 250, 100]
    large = list(packed(1, [1] * 3, [bytes(60_000)] * 3))
    assert [size(run) for run in large] == [1, 1, 1]
    assert [run.first for run in numbered(large, 41)] == [41, 42, 43]


def test_a_run_that_has_not_what_it_says_is_refused() -> None:
    (run,) = packed(1, [1, 2], [b"a", b"b"])
    with pytest.raises(ValueError, match="other records"):
        run._replace(last=3).opened()
