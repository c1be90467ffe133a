"""A resource line by line, and its problems in place."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from careplane.kernel.errors import Issue
from careplane.web.marked.place import Place

WHOLE = 2_000
"""Lines of a resource that is shown as a whole; of a longer one only those near problems."""
MOST = 500
"""Problems that are shown."""
_NEAR = 4
_ORDER = {"fatal": 0, "error": 1, "warning": 2, "information": 3}
_SOURCE = re.compile(r"(.*) \(by (\S+?)(?:#(\S+))?\)(?: *)$", re.DOTALL)
_LINE = re.compile(r"\bline (\d{1,7})\b")


@dataclass(frozen=True, slots=True)
class Problem:
    """One issue: its `number` on the page, and the `element` of the `profile` that says so."""

    number: int
    severity: str
    code: str
    text: str
    where: str
    line: int
    profile: str = ""
    element: str = ""


@dataclass(frozen=True, slots=True)
class Line:
    """One line, and what is wrong there; `skipped` lines stand before it that are not shown."""

    number: int
    text: str
    problems: tuple[Problem, ...] = ()
    skipped: int = 0


def problems(issues: Iterable[Issue], places: Place | None) -> list[Problem]:
    """The issues with their lines, in the order of these, and the grave ones of a line first."""
    found = []
    for issue in issues:
        text, profile, element = issue.text, "", ""
        if source := _SOURCE.fullmatch(text):
            text, profile, element = source[1], source[2], source[3] or ""
        line = _line(issue, places)
        found.append((line, _ORDER.get(issue.severity, 9), issue, text, profile, element))
    found.sort(key=lambda row: row[:2])
    return [
        Problem(number, issue.severity, issue.code, text, issue.where, line, profile, element)
        for number, (line, _, issue, text, profile, element) in enumerate(found[:MOST], 1)
    ]


def _line(issue: Issue, places: Place | None) -> int:
    """By the place that the issue names; where the text could not be read, by the line that it
    names."""
    if places is not None:
        return places.find(issue.where).line
    named = _LINE.search(issue.text)
    return int(named[1]) if named else 1


def lines(text: str, found: Sequence[Problem]) -> list[Line]:
    """The lines to show."""
    written = text.split("\n")
    at: dict[int, list[Problem]] = {}
    for problem in found:
        at.setdefault(min(max(problem.line, 1), len(written)), []).append(problem)
    shown = range(1, len(written) + 1) if len(written) <= WHOLE else _near(at, len(written))
    listed: list[Line] = []
    last = 0
    for number in shown:
        skipped = number - last - 1
        listed.append(Line(number, written[number - 1], tuple(at.get(number, ())), skipped))
        last = number
    return listed


def _near(at: Iterable[int], count: int) -> Iterator[int]:
    last = 0
    for number in sorted({1, *at}):
        for near in range(max(number - _NEAR, last + 1), min(number + _NEAR, count) + 1):
            yield near
            last = near
