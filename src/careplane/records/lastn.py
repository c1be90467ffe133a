"""`$lastn`: the latest observations of each code (FHIR R4, Observation-lastn).

Codes are the same if system and code are; an observation with several codings makes all of them
the same, and what they are the same as. Codes that are only text are the same if the text is. What
has the time of the last one that is wanted comes too.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from careplane.fhir.codec import json
from careplane.fhir.tree import Tree
from careplane.kernel.errors import Incorrect
from careplane.records import commands as c
from careplane.records.account import Account
from careplane.records.bodies import whole
from careplane.records.effective import moment
from careplane.records.matching import matching
from careplane.records.notices import notices
from careplane.records.parts import Parts
from careplane.records.results import Found, Version
from careplane.search.parse import Search, parse
from careplane.search.results import READERS

_TYPE = "Observation"
_SHAPES = frozenset({"_summary", "_elements"})
_SUBJECTS = frozenset({"patient", "subject"})
MOST = 10_000
"""Of one group."""


async def lastn(parts: Parts, account: Account, command: c.Lastn) -> Found:
    """The latest of each group, each group by itself, the group with the latest first."""
    strict = command.handling is c.Handling.STRICT
    asked = parse(parts.setting(), (_TYPE,), command.pairs, strict=strict)
    account.query = f"{_TYPE}/$lastn?{'&'.join(map('='.join, asked.understood))}"
    _check(parts, asked)
    groups = Groups(command.max)
    async for version in matching(parts, account.caller, _TYPE, asked.query.where):
        groups.add(version)
    found = tuple(groups.latest())
    account.saw(found)
    told = (*asked.unknown, *notices(parts, account.caller.tenant, found))
    return Found(matches=found, total=len(found), issues=told, understood=asked.understood)


def _check(parts: Parts, asked: Search) -> None:
    names = {key.partition(":")[0].partition(".")[0] for key, _ in asked.understood}
    wrong = sorted((names & {key.partition(":")[0] for key in READERS}) - _SHAPES)
    if wrong:
        raise Incorrect(f"{wrong[0]} means nothing to $lastn; the answer is ordered and whole.")
    if not names & _SUBJECTS:
        raise Incorrect("$lastn needs a patient or a subject.")
    if "category" not in names and not any(_is_code(parts, name) for name in names):
        raise Incorrect("$lastn needs a category, or a parameter that looks at a code.")


def _is_code(parts: Parts, name: str) -> bool:
    """Whether the expression of the parameter has a code element."""
    parameter = parts.registry.lookup(_TYPE, name)
    expression = parameter.definition.expression if parameter else None
    return "code" in name and bool(expression)


Name = tuple[Any, ...]
"""Of whom, and one coding or text."""


@dataclass(slots=True)
class _Group:
    """The latest so far, newest first."""

    latest: list[tuple[int, Version]] = field(default_factory=list)

    def add(self, more: Iterable[tuple[int, Version]], wanted: int) -> None:
        self.latest += more
        self.latest.sort(key=lambda one: (-one[0], -one[1].t))
        if len(self.latest) > wanted:
            last = self.latest[wanted - 1][0]
            del self.latest[next(_older(self.latest, last)) :]


def _older(latest: list[tuple[int, Version]], last: int) -> Iterator[int]:
    yield from (n for n, (at, _) in enumerate(latest) if at < last)
    yield len(latest)


class Groups:
    """Observations by subject and code, `wanted` of each; groups that turn out to be the same are
    joined, and each keeps no more than it must."""

    def __init__(self, wanted: int) -> None:
        self._wanted = wanted
        self._groups: dict[Name, _Group] = {}
        self._joined: dict[Name, Name] = {}

    def add(self, version: Version) -> None:
        tree = json.parse(whole(version))
        first, *others = _names(tree)
        root = self._root(first)
        for other in others:
            root = self._join(root, self._root(other))
        group = self._groups.setdefault(root, _Group())
        group.add([(moment(tree), version)], self._wanted)

    def latest(self) -> Iterator[Version]:
        for group in sorted(self._groups.values(), key=lambda g: -g.latest[0][0]):
            yield from (version for _, version in group.latest)

    def _root(self, name: Name) -> Name:
        while (above := self._joined.get(name, name)) != name:
            self._joined[name] = self._joined.get(above, above)
            name = above
        return name

    def _join(self, one: Name, other: Name) -> Name:
        if one != other:
            self._joined[other] = one
            gone = self._groups.pop(other, None)
            if gone:
                self._groups.setdefault(one, _Group()).add(gone.latest, self._wanted)
        return one


def _names(tree: Tree) -> list[Name]:
    whom = (tree.get("subject") or {}).get("reference")
    code = tree.get("code") or {}
    codings: list[Name] = [
        (whom, coding.get("system"), coding["code"])
        for coding in code.get("coding", ())
        if coding.get("code")
    ]
    return codings or [(whom, code.get("text"))]
