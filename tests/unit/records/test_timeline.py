"""Since when a search parameter is defined, and since when it is not."""

from __future__ import annotations

from careplane.records.timeline import Timeline
from careplane.search.custom import Custom
from careplane.search.rows import Param


def custom(name: str, code: str = "c") -> Custom:
    return Custom(Param(name), "Patient", code, "token", "id", (), "")


A, B, OTHER = custom("a"), custom("b"), custom("o", "other")


def _since(timeline: Timeline) -> tuple[dict[str, int], dict[str, int]]:
    return (
        {str(param): t for param, (_, t) in timeline.active.items()},
        {str(param): t for param, (_, t) in timeline.ended.items()},
    )


def test_a_change_ends_one_and_begins_another() -> None:
    timeline = Timeline()
    timeline.hear(3, "x", (A, OTHER))
    timeline.hear(5, "y", ())
    assert _since(timeline) == ({"a": 3, "o": 3}, {})
    timeline.hear(7, "x", (B, OTHER))
    assert _since(timeline) == ({"o": 3, "b": 7}, {"a": 7})
    timeline.hear(9, "x", (A, OTHER))
    assert _since(timeline) == ({"o": 3, "a": 9}, {"b": 9})
    assert timeline.seen == 9


def test_a_version_that_means_the_same_begins_nothing() -> None:
    timeline = Timeline()
    timeline.hear(3, "x", (A,))
    timeline.hear(4, "x", (A,))
    assert _since(timeline) == ({"a": 3}, {})


def test_of_two_with_one_code_the_first_holds_until_it_ends() -> None:
    timeline = Timeline()
    timeline.hear(1, "x", (A,))
    timeline.hear(2, "y", (B,))
    assert timeline.owner("Patient", "c") == "x"
    assert _since(timeline) == ({"a": 1}, {})
    timeline.hear(3, "x", ())
    assert _since(timeline) == ({"b": 3}, {"a": 3})
    assert timeline.owner("Patient", "c") == "y"
    assert timeline.owner("Group", "c") is None
