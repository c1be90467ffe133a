"""Quantities of one analyte, written as mass or as amount of substance, find one another.

A search for 126 mg/dL also asks for what is as much in mmol/L, each time restricted to the codes of
which it is known what a mole weighs (`fhir.analytes`). Nothing of that is in the index: the plan is
widened, and no more than the codes beside the quantity call for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from math import inf
from typing import Any, Final

from msgspec.structs import replace

from careplane.fhir import ucum
from careplane.fhir.analytes import Masses
from careplane.fhir.ucum.tables import PREFIXES
from careplane.search import plan
from careplane.search.plan import Coding, Node, Prefix, Quantity, Token, all_of, any_of
from careplane.search.rows import Param, part

UCUM: Final = "http://unitsofmeasure.org"
_CODES: Final[Mapping[Param, Param]] = {
    Param("Observation.value-quantity"): Param("Observation.code"),
}
"""A quantity of the resource itself, and the code that says of what it is."""
_GROUPS: Final[Mapping[Param, Param]] = {
    Param("Observation.component-value-quantity"): Param(
        "Observation.component-code-value-quantity"
    ),
}
"""A quantity of a part of the resource, and the composite that has it after its code."""
_RISING: Final = (Prefix.GT, Prefix.GE, Prefix.SA)
_FALLING: Final = (Prefix.LT, Prefix.LE, Prefix.EB)


def widened(node: Node, masses: Callable[[], Masses]) -> Node:
    """The node, where quantities may also be written in the other dimension. `masses` is called
    only where there are any."""
    if not _asks(node):
        return node
    return _widened(node, _Around(masses()))


def _asks(node: Node) -> bool:
    kind = type(node)
    if kind is Quantity:
        return _crossing(node) is not None  # type: ignore[arg-type]
    if kind in (plan.And, plan.Or):
        return any(map(_asks, node.parts))  # type: ignore[union-attr]
    if kind in (plan.Composite, plan.Chain, plan.Has):
        return _asks(node.where)  # type: ignore[union-attr]
    return kind is plan.Not and _asks(node.part)  # type: ignore[union-attr]


@dataclass(frozen=True, slots=True)
class _Around:
    """What is known of the resource or group whose nodes are widened: codes that it must have."""

    masses: Masses
    tokens: tuple[Token, ...] = ()

    def beside(self, parts: Iterable[Node]) -> _Around:
        """The same for the parts of an And."""
        found = (part for part in parts if isinstance(part, Token))
        return _Around(self.masses, (*self.tokens, *found))

    def inside(self) -> _Around:
        """For another resource, or a group of this one."""
        return _Around(self.masses)

    def by_mass(self, code: Param) -> dict[float, list[Coding]]:
        """The codes that there can be, by what a molecule weighs."""
        asked = [token.codings for token in self.tokens if token.param == code]
        found: dict[float, list[Coding]] = {}
        for (system, symbol), grams in self.masses.grams.items():
            if grams is not None and all(_is_among(codings, system, symbol) for codings in asked):
                found.setdefault(grams, []).append(Coding(system, symbol))
        return found

    def code_of(self, param: Param) -> Param | None:
        """The code beside a quantity: in a composite, that which is asked for with it."""
        group, mark, _ = param.partition("#")
        if not mark:
            return _CODES.get(param)
        return next((t.param for t in self.tokens if t.param.startswith(f"{group}#")), None)


def _is_among(codings: tuple[Coding, ...], system: str, code: str) -> bool:
    return any(
        (one.any_system or one.system == system) and one.code in (None, code) for one in codings
    )


def _widened(node: Node, around: _Around) -> Node:
    maker = _WIDENED.get(type(node))
    return node if maker is None else maker(node, around)


def _and(node: plan.And, around: _Around) -> Node:
    beside = around.beside(node.parts)
    return all_of(*(_widened(part, beside) for part in node.parts))


def _quantity(node: Quantity, around: _Around) -> Node:
    crossing = _crossing(node)
    if crossing is None:
        return node
    group = _GROUPS.get(node.param)
    if group is None:
        code = around.code_of(node.param)
        return node if code is None else any_of(node, *_others(node, code, crossing, around))
    moved = replace(node, param=part(group, 1))
    others = _others(moved, part(group, 0), crossing, around)
    return any_of(node, *(plan.Composite(group, other) for other in others))


_WIDENED: Mapping[type, Callable[[Any, _Around], Node]] = {
    Quantity: _quantity,
    plan.And: _and,
    plan.Or: lambda node, around: any_of(*(_widened(part, around) for part in node.parts)),
    plan.Not: lambda node, around: plan.Not(_widened(node.part, around)),
    plan.Composite: lambda node, around: plan.Composite(
        node.param, _widened(node.where, around.inside())
    ),
    plan.Chain: lambda node, around: replace(node, where=_widened(node.where, around.inside())),
    plan.Has: lambda node, around: replace(node, where=_widened(node.where, around.inside())),
}


def _others(node: Quantity, code: Param, crossing: tuple[str, bool], around: _Around) -> list[Node]:
    """What asks for the same amount in the other dimension: at most one node."""
    unit, is_mass = crossing
    found = [
        (tuple(codings), _as(node, unit, (1 / grams) if is_mass else grams))
        for grams, codings in around.by_mass(code).items()
    ]
    one_by_one = [all_of(Token(code, codings), quantity) for codings, quantity in found]
    if len(found) < 2:
        return one_by_one
    hull = _hull(node, unit, [quantity for _, quantity in found])
    return [all_of(hull, any_of(*one_by_one))]


def _as(node: Quantity, unit: str, factor: float) -> Quantity:
    assert node.canonical is not None
    low, high, _ = node.canonical
    return Quantity(
        node.param, node.prefix, low * factor, high * factor, UCUM, unit,
        (low * factor, high * factor, unit),
    )  # fmt: skip


def _hull(node: Quantity, unit: str, found: list[Quantity]) -> Quantity:
    """What every one of them is part of, so that an engine can start from one range."""
    low, high = min(one.low for one in found), max(one.high for one in found)
    prefix = node.prefix
    if prefix in _RISING:
        high = low
    elif prefix in _FALLING:
        low = high
    elif prefix is Prefix.NE:
        prefix, low, high = Prefix.GE, -inf, -inf
    return Quantity(node.param, prefix, low, high, UCUM, unit, (low, high, unit))


def _crossing(node: Quantity) -> tuple[str, bool] | None:
    """The base unit of the other dimension, and whether that of the node is a mass."""
    return None if node.canonical is None or node.code is None else _other_side(node.code)


@lru_cache(maxsize=1024)
def _other_side(code: str) -> tuple[str, bool] | None:
    """For a mass, or an amount of substance, in or a what it may be. A mole is a number to UCUM,
    so what was written tells an amount of substance from a count."""
    unit = ucum.parse(code)
    if unit.special:
        return None
    grams = dict(unit.dimension).get("g", 0)
    moles = sum(power for atom, power in unit.atoms or () if _is_mole(atom))
    if grams == 1 and moles == 0:
        return ucum.parse(f"{unit.canonical}/g").canonical, True
    if moles == 1 and grams == 0:
        return ucum.parse(f"{unit.canonical}.g").canonical, False
    return None


def _is_mole(atom: str) -> bool:
    return atom == "mol" or (atom.endswith("mol") and atom[:-3] in PREFIXES)
