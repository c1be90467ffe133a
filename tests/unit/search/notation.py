"""Plan nodes in a short notation, for tables of cases."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from careplane.search import plan
from careplane.search.plan import Node


def shown(node: Node) -> str:
    return _SHOWN[type(node)](node)


def instant(microseconds: int) -> str:
    try:
        at = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=microseconds)
    except OverflowError:
        return "the end"
    return at.replace(tzinfo=None).isoformat().removesuffix("T00:00:00")


def _list(parts: Any) -> str:
    return ", ".join(parts)


def _coding(coding: plan.Coding) -> str:
    if coding.any_system:
        return str(coding.code)
    return f"{coding.system or ''}|{coding.code or ''}"


def _quantity(node: plan.Quantity) -> str:
    unit = f" {node.system or ''}|{node.code}" if node.code or node.system else ""
    base = " = {:.6g}..{:.6g} {}".format(*node.canonical) if node.canonical else ""
    return f"{node.param} {node.prefix} {node.low:g}..{node.high:g}{unit}{base}"


def _full_text(node: plan.FullText) -> str:
    return f'{"NA"[len(node.texts) - 1]} "{node.words}{"~" if node.open else ""}"'


def _span(name: str, node: Any) -> str:
    return f"{name} {node.prefix} {instant(node.low)}..{instant(node.high)}"


_SHOWN: dict[type[Node], Callable[[Any], str]] = {
    plan.Everything: lambda n: "everything",
    plan.Nothing: lambda n: "nothing",
    plan.And: lambda n: f"all({_list(map(shown, n.parts))})",
    plan.Or: lambda n: f"any({_list(map(shown, n.parts))})",
    plan.Not: lambda n: f"not({shown(n.part)})",
    plan.OfType: lambda n: f"type {_list(sorted(n.types))}",
    plan.Ids: lambda n: f"id {_list(sorted(n.ids))}",
    plan.Keys: lambda n: f"is {_list(sorted('/'.join(k) for k in n.keys))}",
    plan.Updated: lambda n: _span("updated", n),
    plan.Token: lambda n: f"{n.param} = {_list(map(_coding, n.codings))}",
    plan.Text: lambda n: f"{n.param} {n.mode} {_list(n.values)}",
    plan.FullText: _full_text,
    plan.Uri: lambda n: f"{n.param} {n.mode} {_list(n.values)}",
    plan.Reference: lambda n: f"{n.param} -> {_list(sorted('/'.join(k) for k in n.targets))}",
    plan.Date: lambda n: _span(n.param, n),
    plan.Number: lambda n: f"{n.param} {n.prefix} {n.low:g}..{n.high:g}",
    plan.Quantity: _quantity,
    plan.Near: lambda n: f"{n.param} within {n.distance:.6g} of {n.latitude:g},{n.longitude:g}",
    plan.Composite: lambda n: f"{n.param}({shown(n.where)})",
    plan.Present: lambda n: f"{n.param} there",
    plan.Chain: lambda n: f"{n.param}:{'|'.join(sorted(n.types))}({shown(n.where)})",
    plan.Has: lambda n: f"has {n.source} by {n.param}({shown(n.where)})",
}
