"""Which version is meant."""

from __future__ import annotations

import pytest

from careplane.terminology.versions import choose, matches, newest


@pytest.mark.parametrize(
    ("version", "wanted", "fits"),
    [
        ("1.0.0", "1.0.0", True),
        ("1.0.0", "1.x.x", True),
        ("1.0.0", "1.0.x", True),
        ("1.2.0", "1.0.x", False),
        ("1.0.0", "1.x", True),
        ("1.0", "1.0.x", False),
        ("1.0.0", "1", False),
        ("1.0.0", "1.0", False),
        ("10.0.0", "1.x.x", False),
        ("2020-05", "2020-*", True),
    ],
)
def test_patterns(version: str, wanted: str, fits: bool) -> None:
    assert matches(version, wanted) is fits


@pytest.mark.parametrize(
    ("versions", "best"),
    [
        (["1.0.0", "1.2.0"], "1.2.0"),
        (["1.9.0", "1.10.0"], "1.10.0"),
        (["2.0.0-beta", "2.0.0"], "2.0.0"),
        (["2.0.0-beta", "1.9.0"], "2.0.0-beta"),
        (["1.0", "1.0.1"], "1.0.1"),
        (["2018-08-12", "2019-01"], "2019-01"),
        (["2018-08-12", "4.0.0"], "4.0.0"),
        (["", "1"], "1"),
        ([], None),
    ],
)
def test_newest(versions: list[str], best: str | None) -> None:
    assert newest(versions) == best
    assert newest(versions[::-1]) == best


@pytest.mark.parametrize(
    ("wanted", "preferred", "chosen"),
    [
        ("", "", "1.2.0"),
        ("", "1.0.0", "1.0.0"),
        ("1.x.x", "1.0.0", "1.0.0"),
        ("1.x.x", "7", "1.2.0"),
        ("1.0.0", "1.2.0", "1.0.0"),
        ("3", "1.2.0", None),
        ("3.x", "1.2.0", None),
    ],
)
def test_choice(wanted: str, preferred: str, chosen: str | None) -> None:
    assert choose(["1.0.0", "1.2.0"], wanted, preferred) == chosen
