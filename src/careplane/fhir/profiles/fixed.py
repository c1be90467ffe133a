"""Fixed and pattern values (ElementDefinition.fixed[x], pattern[x])."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from careplane.fhir.tree import Tree


def against_fixed(value: Any, fixed: Any, where: str) -> Iterator[tuple[str, str]]:
    """Each place at which a value is not exactly the fixed one, and what is wrong there."""
    if isinstance(fixed, dict) and isinstance(value, dict):
        for name in fixed.keys() | value.keys():
            place = f"{where}.{name}"
            if name not in value:
                yield where, f"{name} is missing, which the fixed value has"
            elif name not in fixed:
                yield place, f"{name} may not be here: the fixed value has none"
            else:
                yield from against_fixed(value[name], fixed[name], place)
    elif isinstance(fixed, list) and isinstance(value, list):
        if len(fixed) != len(value):
            yield where, f"{len(fixed)} are fixed, {len(value)} are here"
            return
        for index, (one, other) in enumerate(zip(value, fixed, strict=True)):
            yield from against_fixed(one, other, f"{where}[{index}]")
    elif not _same(value, fixed):
        yield where, f"The value is fixed to {shown(fixed)}"


def against_pattern(value: Any, pattern: Any, where: str) -> Iterator[tuple[str, str]]:
    """Each place at which a value lacks what the pattern asks for."""
    if isinstance(pattern, dict) and isinstance(value, dict):
        for name, wanted in pattern.items():
            if name not in value:
                yield where, f"{name} is missing, which the pattern {shown(pattern)} asks for"
            else:
                yield from against_pattern(value[name], wanted, f"{where}.{name}")
    elif isinstance(pattern, list) and isinstance(value, list):
        for wanted in pattern:
            if not any(matches(one, wanted) for one in value):
                yield where, f"Nothing here has the pattern {shown(wanted)}"
    elif not _same(value, pattern):
        yield where, f"The value must be {shown(pattern)}"


def matches(value: Any, pattern: Any) -> bool:
    """Whether a value has the pattern."""
    return next(against_pattern(value, pattern, ""), None) is None


def equals(value: Any, fixed: Any) -> bool:
    """Whether a value is the fixed one."""
    return next(against_fixed(value, fixed, ""), None) is None


def _same(value: Any, other: Any) -> bool:
    """1 is not true, though Python says so."""
    return isinstance(value, bool) == isinstance(other, bool) and bool(value == other)


def shown(value: Any) -> str:
    """A value of a profile, in short."""
    if isinstance(value, dict):
        coding = value.get("coding")
        if isinstance(coding, list) and len(coding) == 1 and isinstance(coding[0], dict):
            return shown(coding[0])
        if "code" in value:
            return f"{value.get('system', '')}#{value['code']}"
        return _clipped(", ".join(f"{k} {shown(v)}" for k, v in _items(value)))
    if isinstance(value, list):
        return _clipped("; ".join(shown(one) for one in value))
    return _clipped(f"'{value}'")


def _items(value: Tree) -> list[tuple[str, Any]]:
    return list(value.items())[:5]


def _clipped(text: str) -> str:
    return text if len(text) <= 200 else f"{text[:200]}…"
