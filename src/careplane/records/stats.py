"""`$stats`: statistics of a subject's measurements (FHIR R4, Observation-stats).

Measured are quantities with a UCUM unit, of observations, of their components, and of the members
of a panel. Brought to the unit of the first one found; what cannot be is counted in `total-count`
alone, as is what has a comparator or a modifier extension.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from typing import Any

from careplane.fhir import ucum
from careplane.fhir.codec import json
from careplane.fhir.tree import Tree
from careplane.records import commands as c
from careplane.records import fetch
from careplane.records.account import Account
from careplane.records.bodies import whole
from careplane.records.effective import moment
from careplane.records.matching import matching
from careplane.records.parts import Parts
from careplane.records.results import Statistics, Version
from careplane.search.parse import parse
from careplane.search.rows import BEGINNING
from careplane.search.values.quantity import UCUM

Code = tuple[str | None, str]
_TYPE = "Observation"


@dataclass(slots=True)
class Series:
    """The measurements of one code, in one unit: when, how much."""

    code: Tree
    unit: str = ""
    points: list[tuple[int, Decimal]] = field(default_factory=list)
    total: int = 0

    def add(self, at: int, quantity: Any) -> None:
        """Count it, and measure it where that is possible."""
        self.total += 1
        value = _measured(quantity)
        if value is None:
            return
        code = quantity["code"]
        if not self.unit:
            self.unit = code
        try:
            self.points.append((at, value if code == self.unit else _in(value, code, self.unit)))
        except (ucum.NotAUnit, ucum.NotComparable, InvalidOperation):
            return


def _measured(quantity: Any) -> Decimal | None:
    if not isinstance(quantity, dict) or quantity.get("system") != UCUM:
        return None
    if quantity.get("comparator") or not quantity.get("code") or quantity.get("value") is None:
        return None
    try:
        ucum.canonicalise(Decimal(quantity["value"]), quantity["code"])
    except (ucum.NotAUnit, ucum.NotComparable, InvalidOperation):
        return None
    return Decimal(quantity["value"])


def _in(value: Decimal, source: str, target: str) -> Decimal:
    return ucum.convert(value, source, target)


async def stats(parts: Parts, account: Account, command: c.Stats) -> Statistics:
    """The series of each code that was asked for, those of a panel in its place."""
    account.query = f"{_TYPE}/$stats?subject={command.subject}"
    found: dict[str, Version] = {}
    series: list[Series] = []
    for system, code in command.codes:
        versions = await _observations(parts, account, command, _criterion(system, code))
        found.update((version.id, version) for version in versions)
        series += _series((system, code), [json.parse(whole(version)) for version in versions])
    sources = tuple(found.values())
    account.saw(sources)
    return Statistics(
        tuple((s.code, s.unit, tuple(sorted(s.points)), s.total) for s in series), sources
    )


def _criterion(system: str | None, code: str) -> str:
    text = code if system is None else f"{_escaped(system)}|{_escaped(code)}"
    return text if system is not None else _escaped(text)


def _escaped(text: str) -> str:
    for mark in ("\\", ",", "|", "$"):
        text = text.replace(mark, "\\" + mark)
    return text


async def _observations(
    parts: Parts, account: Account, command: c.Stats, code: str
) -> list[Version]:
    """Those with the code, and the members of those that are panels."""
    pairs = [("subject", command.subject), ("combo-code", code)]
    asked = parse(parts.setting(), (_TYPE,), pairs, strict=True)
    found: dict[str, Version] = {}
    members: set[tuple[str, str]] = set()
    async for version in matching(parts, account.caller, _TYPE, asked.query.where):
        tree = json.parse(whole(version))
        if _counts(tree, command):
            found[version.id] = version
            members |= {(_TYPE, id) for id in _members(tree)}
    for version in await fetch.by_keys(parts, account.caller, members):
        if _counts(json.parse(whole(version)), command):
            found.setdefault(version.id, version)
    return list(found.values())


def _members(tree: Tree) -> Iterator[str]:
    for member in tree.get("hasMember", ()):
        type, _, id = str(member.get("reference", "")).partition("/")
        if type == _TYPE and id:
            yield id.partition("/")[0]


def _counts(tree: Tree, command: c.Stats) -> bool:
    if tree.get("status") == "entered-in-error":
        return False
    at = moment(tree)
    low, high = command.period
    return (low is None or at >= low) and (high is None or BEGINNING < at < high)


def _series(asked: Code, trees: Sequence[Tree]) -> list[Series]:
    """By code, the one that was asked for first; the parts of a panel each by themselves."""
    found: dict[Code, Series] = {asked: Series(_concept(asked))}
    panels = [tree for tree in trees if _is(tree, asked)]
    ours = {id for panel in panels for id in _members(panel)}
    for tree in trees:
        at, doubtful = moment(tree), "modifierExtension" in tree
        has_parts = bool(tree.get("component")) and "valueQuantity" not in tree
        if _is(tree, asked) and not (has_parts or tree.get("hasMember")):
            found[asked].add(at, None if doubtful else tree.get("valueQuantity"))
        elif tree.get("id") in ours:
            _of(found, tree).add(at, None if doubtful else tree.get("valueQuantity"))
        for component in tree.get("component", ()):
            unclear = doubtful or "modifierExtension" in component
            if _is(component, asked):
                found[asked].add(at, None if unclear else component.get("valueQuantity"))
            elif _is(tree, asked):
                _of(found, component).add(at, None if unclear else component.get("valueQuantity"))
    return [s for code, s in found.items() if code != asked or s.total or len(found) == 1]


def _of(found: dict[Code, Series], tree: Tree) -> Series:
    coding = next(iter(_codings(tree)), {})
    code = (coding.get("system"), str(coding.get("code") or tree.get("code", {}).get("text", "")))
    return found.setdefault(code, Series(tree.get("code", {})))


def _is(tree: Tree, asked: Code) -> bool:
    return any(
        coding.get("code") == asked[1] and asked[0] in (None, coding.get("system"))
        for coding in _codings(tree)
    )


def _codings(tree: Tree) -> list[Tree]:
    found: list[Tree] = (tree.get("code") or {}).get("coding", [])
    return found


def _concept(code: Code) -> Tree:
    system = {"system": code[0]} if code[0] else {}
    return {"coding": [{**system, "code": code[1]}]}
