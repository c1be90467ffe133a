"""Versions in order, and what a dependency may ask for."""

from __future__ import annotations

from itertools import pairwise

import pytest

from careplane.kernel.errors import Incorrect
from careplane.packages.versions import check_range, is_release, matches, newest, order

ASCENDING = [
    "", "b-text", "snapshot1", "0.9", "1.0.0-alpha.1", "1.0.0-alpha.beta", "1.0.0-ballot",
    "1.0.0", "1.0.1", "1.2", "1.10.0", "2.9", "6.1.0-snapshot", "6.1.0", "2018-08-12", "2018-09",
    "20240101",
]  # fmt: skip


def test_versions_have_an_order() -> None:
    for below, above in pairwise(ASCENDING):
        assert order(below) < order(above), (below, above)
    assert order("1.0") < order("1.0.0")  # the same number; the text decides


@pytest.mark.parametrize(
    ("version", "wanted", "expected"),
    [
        ("6.1.0", "6.1.0", True),
        ("6.1.0", "6.1.x", True),
        ("6.1.0", "6.1.X", True),
        ("6.1.0", "6.1.*", True),
        ("6.1.0", "6.x", True),
        ("6.1.0", "6.x.x", True),
        ("6.1.0", "6.1", True),
        ("6.1.0", "6", True),
        ("6.1.0", "x", True),
        ("6.1.0", "latest", True),
        ("6.0.0", "6.x", True),
        ("6.1.0", "6.0.x", False),
        ("61.0.0", "6.x", False),
        ("6.1.0", "6.1.1", False),
        ("6.1.0", "current", False),
        ("current", "current", True),
        ("2018-08-12", "x", True),
        ("snapshot", "1.x", False),
    ],
)
def test_what_a_range_asks_for(version: str, wanted: str, expected: bool) -> None:
    assert matches(version, wanted) is expected


@pytest.mark.parametrize(
    ("versions", "wanted", "expected"),
    [
        (["6.0.0", "6.1.0", "6.1.1", "7.0.0"], "6.1.x", "6.1.1"),
        (["6.0.0", "6.1.0"], "latest", "6.1.0"),
        (["6.1.0", "7.0.0-ballot"], "latest", "6.1.0"),
        (["7.0.0-ballot", "7.0.0-ballot2"], "7.x", "7.0.0-ballot2"),
        (["1.9.0", "1.10.0"], "1.x", "1.10.0"),
        (["2.9", "2.10"], "2.9", "2.9"),
        (["6.1.0"], "5.x", None),
        ([], "latest", None),
    ],
)
def test_the_newest_is_chosen(versions: list[str], wanted: str, expected: str | None) -> None:
    assert newest(versions, wanted) == expected


@pytest.mark.parametrize(
    "text", ["", ">=1.0.0", "^1.0.0", "~1.2", "1.0 - 2.0", "1.x.1", "a b", "1.0\n", "1" * 200, "-1"]
)
def test_what_is_no_range_is_refused(text: str) -> None:
    with pytest.raises(Incorrect, match="no version of a package"):
        check_range(text)


def test_a_preview_is_no_release() -> None:
    assert [is_release(v) for v in ("1.0.0", "1.0.0-ballot", "2018-08-12", "x")] == [
        True, False, True, False,
    ]  # fmt: skip


def test_a_version_of_a_million_digits_costs_nothing() -> None:
    assert not matches("1" * 1_000_000, "1.x")
    assert order("9" * 100 + ".1") > order("1.1")
