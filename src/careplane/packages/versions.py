"""Versions of packages and of artifacts in order, and what a dependency on one may say (FHIR NPM
packages: semantic versions, `x` for any number, labels for builds).

A version need not be semantic: code systems have dates (`2018-08-12`) and short ones (`2.9`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache
from typing import Any

from careplane.kernel.errors import Incorrect

LATEST = "latest"
BUILDS = frozenset(("current", "dev"))
"""Labels of builds that change by the hour: only what is installed under that name counts."""

_LONGEST = 128
_NUMBER = 18
_DATE = re.compile(r"(\d{4})-(\d{2})(?:-(\d{2}))?")
_SEMANTIC = re.compile(r"v?(\d+(?:\.\d+)*)(?:-([0-9A-Za-z.-]+))?(?:\+[0-9A-Za-z.-]*)?")
_RANGE = re.compile(r"\d+(?:\.\d+)?(?:\.[xX*]){1,2}|[xX*]|\d+(?:\.\d+)?")
_EXACT = re.compile(r"[0-9A-Za-z][0-9A-Za-z.+_-]*")
_WILD = frozenset("xX*")

Key = tuple[Any, ...]


@lru_cache(4096)
def order(version: str) -> Key:
    """What versions are compared by: numbers by their size, a release above its previews (semver
    11). Anything else stands below, in the order of its text."""
    match = _DATE.fullmatch(version) or _SEMANTIC.fullmatch(version)
    if len(version) > _LONGEST or match is None:
        return (0, (), 0, (), version)
    if match.re is _DATE:
        return (1, tuple(int(part or 0) for part in match.groups()), 1, (), version)
    numbers = tuple(int(part[:_NUMBER]) for part in match[1].split("."))
    while len(numbers) > 1 and numbers[-1] == 0:
        numbers = numbers[:-1]
    return (1, numbers, match[2] is None, tuple(map(_part, (match[2] or "").split("."))), version)


def is_release(version: str) -> bool:
    """Whether it is no preview such as `2.0.0-ballot`."""
    return bool(order(version)[2])


def check_range(text: str) -> str:
    """The range, if it is one: `6.1.0`, `6.1.x`, `6.x`, `6.1`, `latest`, `current`, `dev`. Raises
    Incorrect: comparisons (`>=1.0`, `^1.0`, `1.0 - 2.0`) are npm's, not of FHIR packages."""
    exact = _EXACT.fullmatch(text) and not _WILD.intersection(text.split("."))
    if len(text) > _LONGEST or not (exact or _RANGE.fullmatch(text)):
        raise Incorrect(
            f"{text[:40]!r} is no version of a package: give one such as 6.1.0, 6.1.x or latest."
        )
    return text


def matches(version: str, wanted: str) -> bool:
    """Whether a version is what a range asks for."""
    if version == wanted or wanted == LATEST:
        return True
    if not _RANGE.fullmatch(wanted):
        return False
    key = order(version)
    fixed = [part for part in wanted.split(".") if part not in _WILD]
    numbers = (*key[1], *(0 for _ in fixed))[: len(fixed)]
    return bool(key[0]) and list(numbers) == [int(part[:_NUMBER]) for part in fixed]


def newest(versions: Iterable[str], wanted: str = LATEST) -> str | None:
    """The newest version that a range asks for, a release before any preview; None if none does."""
    found = [version for version in versions if matches(version, wanted)]
    if wanted in found:
        return wanted
    return max(found, key=lambda version: (is_release(version), order(version)), default=None)


def _part(text: str) -> tuple[int, int, str]:
    return (0, int(text[:_NUMBER]), "") if text.isdigit() else (1, 0, text)
