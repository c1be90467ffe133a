"""The labelling service: what is written gets the labels that its codes and its source call for.

Labels stand in `meta.security` of the resource itself, so they are found by `_security`, seen by
Consents, and leave with it on every path. They only ever rise: what a client leaves out stays.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import Any

import msgspec

from careplane.access.caller import Caller
from careplane.access.consent.terms import (
    ACT_CODE,
    CONFIDENTIALITY,
    LEVELS,
    NO_REDISCLOSURE,
    PART2,
)
from careplane.access.labels.tables import Table
from careplane.fhir.codec import envelope

NOTICE = "42 CFR part 2 prohibits unauthorized use or disclosure of these records."
"""The notice that goes with every disclosure (42 CFR 2.32(a)(2))."""
_DISPLAYS = {PART2: NOTICE, NO_REDISCLOSURE: "no disclosure without subject authorization"}
_CODE = re.compile(rb'"code":"([^"\\]{1,64})"')
_REMEMBERED = 16_384
_KEPT = frozenset({CONFIDENTIALITY, ACT_CODE})
Label = tuple[str, str]


class Labelling:
    """`sources`: organisations (`Organization/17`), clients (`client/x`) and values of
    `meta.source` whose records are of a Part 2 program; `relabellers`: roles that may lower."""

    def __init__(
        self, table: Table, sources: Iterable[str] = (), relabellers: Iterable[str] = ()
    ) -> None:
        self._table = table
        self._sources = frozenset(sources)
        self._needles = tuple(json.dumps(one).encode() for one in sorted(self._sources))
        self._relabellers = frozenset(relabellers)
        self._may_know = lru_cache(maxsize=_REMEMBERED)(self._looked_up)

    def labelled(self, caller: Caller, rest: bytes, before: bytes = b"}") -> bytes:
        """The stored form of a resource with its labels; `before` is the version that it
        replaces."""
        found = self._of(caller, rest)
        if not found and b'"security"' not in before:
            return rest
        kept = [] if self.may_lower(caller) else _protected(before)
        mine = _security(rest)
        wanted = _merged(mine, [*kept, *map(_coding, sorted(found))])
        return rest if wanted == mine else envelope.with_security(rest, wanted)

    def may_lower(self, caller: Caller) -> bool:
        """Whether a caller may take labels away; those that codes call for come back."""
        return not self._relabellers.isdisjoint(caller.roles)

    def _of(self, caller: Caller, rest: bytes) -> set[Label]:
        found: set[Label] = set()
        for system, code in self._codes(rest):
            for sensitive in self._table.of(system, code):
                found |= {(ACT_CODE, sensitive.label), (CONFIDENTIALITY, sensitive.level)}
        named = self._needles and any(needle in rest for needle in self._needles)
        if named or caller.id in self._sources:
            found |= {(ACT_CODE, PART2)}
        if (ACT_CODE, PART2) in found or b'"42CFRPart2"' in rest:
            found |= {(ACT_CODE, NO_REDISCLOSURE), (CONFIDENTIALITY, "R")}
        return found

    def _codes(self, rest: bytes) -> Iterator[Label]:
        """Codings anywhere, contained resources included; nothing is parsed where no code of a
        table is among the bytes. An escape in them could hide one."""
        hidden = b"\\" in rest and (b"\\u" in rest or b"\\/" in rest)
        if hidden or any(map(self._may_know, _CODE.findall(rest))):
            yield from _codings(msgspec.json.decode(b'{"meta":{"versionId":"0"' + rest))

    def _looked_up(self, code: bytes) -> bool:
        return self._table.may_know(code.decode("utf-8", "replace"))


def _codings(tree: Any) -> Iterator[Label]:
    pending = [tree]
    while pending:
        node = pending.pop()
        if isinstance(node, list):
            pending += node
        elif isinstance(node, dict):
            system, code = node.get("system"), node.get("code")
            if isinstance(system, str) and isinstance(code, str):
                yield system, code
            pending += node.values()


def _security(rest: bytes) -> list[dict[str, Any]]:
    return envelope.security(rest) if b'"security"' in rest or b"\\u" in rest else []


def _protected(rest: bytes) -> list[dict[str, Any]]:
    return [one for one in _security(rest) if one.get("system") in _KEPT]


def _coding(label: Label) -> dict[str, Any]:
    system, code = label
    display = _DISPLAYS.get(code)
    return {"system": system, "code": code} | ({"display": display} if display else {})


def _merged(mine: list[dict[str, Any]], more: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """What the client says and what is to be there, with the highest confidentiality alone."""
    found: dict[Any, dict[str, Any]] = {}
    for one in (*mine, *more):
        found.setdefault((one.get("system"), one.get("code")), one)
    levels = [one["code"] for one in found.values() if _is_level(one)]
    if not levels:
        return list(found.values())
    highest = max(levels, key=LEVELS.index)
    return [one for one in found.values() if not _is_level(one) or one["code"] == highest]


def _is_level(one: dict[str, Any]) -> bool:
    return one.get("system") == CONFIDENTIALITY and one.get("code") in LEVELS
