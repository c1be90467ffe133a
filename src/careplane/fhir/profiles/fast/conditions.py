"""Patterns and discriminators as Python expressions over structs."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from careplane.fhir.definitions import Element, is_primitive, type_definition
from careplane.fhir.profiles.coded import BINDABLE
from careplane.fhir.profiles.paths import steps
from careplane.fhir.profiles.rules import Rule, Slicing
from careplane.fhir.structs import attribute

_VALUE = frozenset({"value", "pattern"})
MAX_NESTING = 12


class TooHard(Exception):
    """Only the slow path can tell."""


def pattern(variable: str, type_name: str, wanted: Any, level: int = 0) -> str:
    """An expression that is true where the struct or value in a variable has the pattern."""
    if level > MAX_NESTING:
        raise TooHard
    if not isinstance(wanted, dict):
        return f"{variable} == {literal(wanted)}"
    parts = []
    for name, value in wanted.items():
        found = type_definition(type_name).json_names.get(name)
        if found is None:
            raise TooHard
        element, inner = found
        member, one = f"{variable}.{attribute(name)}", f"p{level}"
        if element.repeats != isinstance(value, list):
            raise TooHard
        if isinstance(value, list):
            for item in value:
                parts.append(
                    f"any({pattern(one, inner, item, level + 1)} for {one} in {member} or ())"
                )
        elif isinstance(value, dict):
            parts.append(f"({member} is not None and {pattern(member, inner, value, level + 1)})")
        else:
            parts.append(f"{member} == {literal(value)}")
    return "(" + " and ".join(parts or ["True"]) + ")"


def literal(value: Any) -> str:
    """A value of a profile as Python."""
    if isinstance(value, str | bool | int):
        return repr(value)
    if isinstance(value, Decimal):
        return f"Decimal({str(value)!r})"
    raise TooHard


def slice_condition(variable: str, type_name: str, slice: Rule, slicing: Slicing) -> str:
    """An expression that is true where an item belongs to a slice."""
    parts = []
    for one in slicing.discriminators:
        if one.kind not in _VALUE:
            raise TooHard
        path = steps(one.path)
        if any(argument is not None for _, argument in path) or (not path and one.path != "$this"):
            raise TooHard
        found = _reached(variable, type_name, (slice,), [name for name, _ in path], 0)
        if found:
            parts.append(found)
    if not parts:
        raise TooHard
    return " and ".join(parts)


def _reached(
    variable: str, type_name: str, rules: Sequence[Rule], names: list[str], level: int
) -> str:
    """What the rules at a path ask, as an expression; empty where they ask nothing."""
    if not names:
        telling = [rule for rule in rules if not rule.is_idle]
        return " and ".join(_kept(variable, type_name, rule, level) for rule in telling)
    element = _element(type_name, names[0])
    if any(names[0] in v for r in rules for v in (r.fixed, r.pattern) if isinstance(v, dict)):
        raise TooHard
    children = [rule.children[names[0]] for rule in rules if names[0] in rule.children]
    inner = [*children, *(s for child in children for s in child.slices if s.min)]
    if not inner:
        return ""
    json, of = _only(element, inner)
    member, one = f"{variable}.{attribute(json)}", f"d{level}"
    found = []
    for rule in inner:
        below = _reached(one if element.repeats else member, of, (rule,), names[1:], level + 1)
        if below:
            found.append(
                f"any({below} for {one} in {member} or ())"
                if element.repeats
                else f"({member} is not None and {below})"
            )
    return " and ".join(found)


def _only(element: Element, rules: Sequence[Rule]) -> tuple[str, str]:
    """The JSON name and type of an element, a choice being narrowed to one."""
    names = element.json_names
    if len(names) == 1:
        return next(iter(names.items()))
    codes = {t.code for rule in rules for t in rule.types}
    fitting = [(json, of) for json, of in names.items() if of in codes]
    if len(fitting) != 1:
        raise TooHard
    return fitting[0]


def _element(type_name: str, name: str) -> Element:
    try:
        return type_definition(type_name).elements[name]
    except KeyError:
        raise TooHard from None


def _kept(variable: str, type_name: str, rule: Rule, level: int) -> str:
    """An expression that is true where an element has the values of a slice, see
    `criteria.value`."""
    if level > MAX_NESTING:
        raise TooHard
    if rule.fixed is not None:
        if not is_primitive(type_name):
            raise TooHard
        return f"{variable} == {literal(rule.fixed)}"
    if rule.pattern is not None:
        return pattern(variable, type_name, rule.pattern, level + 1)
    if rule.binding is not None and rule.binding.strength == "required":
        return membership(variable, type_name, rule.binding.value_set)
    parts = []
    for child in rule.children.values():
        element = _element(type_name, child.name)
        json, of = _only(element, (child,))
        member, one = f"{variable}.{attribute(json)}", f"c{level}"
        if child.max is not None or child.min > 1 or any(s.min for s in child.slices):
            raise TooHard
        below = _kept(one if element.repeats else member, of, child, level + 1)
        if element.repeats:
            parts.append(f"all({below} for {one} in {member} or ())")
            parts += [member] if child.min else []
        elif child.min:
            parts.append(f"({member} is not None and {below})")
        else:
            parts.append(f"({member} is None or {below})")
    return "(" + " and ".join(parts or ["True"]) + ")"


_NAMED = "({0}.system if {0}.version is None else '|'.join(({0}.system, {0}.version)))"


def membership(variable: str, type_name: str, value_set: str) -> str:
    """An expression that is true where a coded element is known to be in a value set, or of a type
    that has no codes."""
    if type_name not in BINDABLE:
        return "True"
    if type_name == "CodeableConcept":
        triple = f"{value_set!r}, {_NAMED.format('c')}, c.code"
        return f"any(k.known[{triple}] for c in {variable}.coding or ())"
    if type_name == "Coding":
        return f"k.known[{value_set!r}, {_NAMED.format(variable)}, {variable}.code]"
    if is_primitive(type_name):
        return f"k.known[{value_set!r}, '', {variable}]"
    return f"k.known[{value_set!r}, {variable}.system, {variable}.code]"
