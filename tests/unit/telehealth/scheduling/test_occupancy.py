"""Whether one more visit has a place, against counting minute by minute."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from careplane.telehealth.scheduling.availability.openings import Opening
from careplane.telehealth.scheduling.availability.rules import MINUTE, VisitType
from careplane.telehealth.scheduling.occupancy import Taken, is_free

VISIT = VisitType("v", {}, 30)


def opening(start: int, end: int, capacity: int = 1, before: int = 0, after: int = 0) -> Opening:
    visit = VisitType("v", {}, end - start, before, after)
    return Opening(start * MINUTE, end * MINUTE, visit, capacity)


def taken(start: int, end: int, before: int = 0, after: int = 0, actor: str = "a") -> Taken:
    times = (n * MINUTE for n in (start, end, before, after))
    low, high, early, late = times
    return Taken(f"{start}", low, high, frozenset({actor}), early, late)


CASES: dict[str, tuple[Opening, list[Taken], bool]] = {
    "nothing is there": (opening(30, 60), [], True),
    "it ends as another begins": (opening(30, 60), [taken(60, 90)], True),
    "it begins as another ends": (opening(30, 60), [taken(0, 30)], True),
    "the same time": (opening(30, 60), [taken(30, 60)], False),
    "a minute too long": (opening(30, 61), [taken(60, 90)], False),
    "inside of another": (opening(30, 60), [taken(0, 90)], False),
    "around another": (opening(0, 90), [taken(30, 60)], False),
    "of somebody else": (opening(30, 60), [taken(30, 60, actor="b")], True),
    "its own buffer": (opening(30, 60, before=10), [taken(0, 25)], False),
    "its own buffer, just": (opening(30, 60, before=10), [taken(0, 20)], True),
    "the buffer of the other": (opening(30, 60), [taken(0, 25, after=10)], False),
    "buffers may lie on each other": (opening(30, 60, before=10), [taken(0, 20, after=10)], True),
    "the second place": (opening(30, 60, 2), [taken(30, 60)], True),
    "the third of two places": (opening(30, 60, 2), [taken(30, 60), taken(30, 60)], False),
    "two that follow each other count once": (
        opening(0, 60, 2), [taken(0, 30), taken(30, 60)], True,
    ),
    "two that meet count twice": (opening(0, 60, 2), [taken(0, 31), taken(30, 60)], False),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_a_place(name: str) -> None:
    wanted, others, free = CASES[name]
    assert is_free(wanted, ["a"], others) is free


@given(
    st.integers(0, 40),
    st.integers(1, 20),
    st.integers(1, 3),
    st.lists(st.tuples(st.integers(0, 50), st.integers(1, 20)), max_size=8),
)
def test_without_buffers_it_is_what_every_minute_says(
    start: int, length: int, capacity: int, visits: list[tuple[int, int]]
) -> None:
    others = [taken(low, low + long) for low, long in visits]
    minutes = range(start, start + length)
    most = max(sum(low <= m < low + long for low, long in visits) for m in minutes)
    assert is_free(opening(start, start + length, capacity), ["a"], others) is (most < capacity)
