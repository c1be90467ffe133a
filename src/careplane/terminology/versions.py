"""Which of several versions of a canonical is meant (FHIR R4, 2.24.0.1 canonical)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cmp_to_key, lru_cache

_PART = re.compile(r"[.\-+/]")
_ANY = ("x", "X", "*")
_DATE = re.compile(r"\d{4}-\d\d(-\d\d)?")


def split(canonical: str) -> tuple[str, str]:
    """`url|version` taken apart; the version is empty where there is none."""
    url, _, version = canonical.partition("|")
    return url, version


def joined(url: str, version: str) -> str:
    """The reverse of `split`."""
    return f"{url}|{version}" if version else url


def is_pattern(version: str) -> bool:
    """Whether it stands for several versions: a part of it is `x` or `*`."""
    return any(part in _ANY for part in _PART.split(version))


def matches(version: str, wanted: str) -> bool:
    """Whether a version is the wanted one, or one that the pattern stands for. An `x` stands for
    one part, one at the end for all that follow."""
    if version == wanted or not is_pattern(wanted):
        return version == wanted
    parts, patterns = _PART.split(version), _PART.split(wanted)
    if len(parts) < len(patterns) or (len(parts) > len(patterns) and patterns[-1] not in _ANY):
        return False
    return all(p in _ANY or p == part for part, p in zip(parts, patterns, strict=False))


def newest(versions: Sequence[str]) -> str | None:
    """The highest one: numbers by value, before words, which go by the alphabet (of `2.0.0-beta`
    and `2.0.0` the latter). Dates come before what is none: HL7's own code systems were numbered
    anew after years of dates."""
    return max(versions, key=cmp_to_key(_compare)) if versions else None


def choose(versions: Sequence[str], wanted: str, preferred: str = "") -> str | None:
    """The version that is meant: the wanted one; of a pattern, or of all where nothing is wanted,
    the preferred one if it is among them, else the newest. None where there is no such."""
    if wanted in versions and wanted:
        return wanted
    if wanted and not is_pattern(wanted):
        return None
    fitting = [v for v in versions if not wanted or matches(v, wanted)]
    return preferred if preferred in fitting and preferred else newest(fitting)


def _compare(a: str, b: str) -> int:
    if (dated := _DATE.fullmatch(a) is not None) != (_DATE.fullmatch(b) is not None):
        return -1 if dated else 1
    left, right = _key(a), _key(b)
    for x, y in zip(left, right, strict=False):
        if x != y:
            return -1 if x < y else 1
    if len(left) == len(right):
        return 0
    longer, sign = (left, 1) if len(left) > len(right) else (right, -1)
    # What follows is a label of something that comes before the release: 2.0.0-beta.
    return -sign if longer[min(len(left), len(right))][0] == 0 else sign


@lru_cache(maxsize=4096)
def _key(version: str) -> tuple[tuple[int, int, str], ...]:
    parts = (part for part in _PART.split(version) if part)
    return tuple(
        (1, int(part), "") if part.isdecimal() and len(part) < 20 else (0, 0, part)
        for part in parts
    )
