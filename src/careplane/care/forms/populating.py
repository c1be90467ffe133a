"""What the record knows already, filled in before somebody begins (SDC, Form Population).

Expressions (initialExpression, itemPopulationContext, variables) and observations of an item's code
(observationLinkPeriod). Whatever is looked up is looked up with the rights of who fills the form.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, Final, Protocol
from urllib.parse import unquote

from careplane.care.forms import names
from careplane.care.forms.converting import answers_of, shorter, unit_of
from careplane.care.forms.definition import Form, Item
from careplane.care.forms.settling import Known, settle
from careplane.care.forms.sheet import Line, Sheet, answered, blank, empty_repeat
from careplane.care.forms.writing import skeleton
from careplane.fhir import ucum
from careplane.fhir.fhirpath import root_node
from careplane.fhir.fhirpath.items import Collection
from careplane.fhir.fhirpath.items import system as plain
from careplane.fhir.fhirpath.node import Node
from careplane.fhir.tree import Tree
from careplane.fhir.validation.forms.expressions import Expressions, Names, fhirpath
from careplane.fhir.validation.forms.values import extension, objects, value_of

_QUERY: Final = "application/x-fhir-query"
_INSERT: Final = re.compile(r"\{\{(.+?)\}\}")
_MOST_REPEATS: Final = 50
_ITEM: Final = "QuestionnaireResponse.item"
_WHOLE: Final = "QuestionnaireResponse"
_DAYS: Final = {"a": 366, "mo": 31, "wk": 7, "d": 1, "h": 1, "min": 1, "s": 1}

Pairs = list[tuple[str, str]]


class Records(Protocol):
    """What is looked up, with the rights of one caller."""

    async def found(self, type: str, pairs: Pairs) -> list[Tree]:
        """The resources that a search finds; none where it may not be made, or is none."""

    async def one(self, type: str, id: str) -> Tree | None:
        """One resource, None where there is none for this caller."""


async def populated(form: Form, head: Tree, known: Known, records: Records) -> Sheet:
    """A sheet with all that the record knows. Raises Invalid where its calculations have no end."""
    sheet = blank(form)
    await _Populating(sheet, head, known, records).all()
    sheet.number()
    settle(sheet, head, known)
    return sheet


async def with_queries(form: Form, head: Tree, known: Known, records: Records) -> Known:
    """What is known, and what the variables of a questionnaire look up besides."""
    if not any(_is_query(one) for one in extension(form.tree, names.VARIABLE)):
        return known
    asking = _Populating(blank(form), head, known, records)
    return Known(await asking.names_of(form.tree, head, _WHOLE, known.names), known.now)


def _is_query(expression: Any) -> bool:
    return isinstance(expression, dict) and expression.get("language") == _QUERY


@dataclass
class _Populating:
    sheet: Sheet
    head: Tree
    known: Known
    records: Records
    expressions: Expressions = field(init=False)

    def __post_init__(self) -> None:
        response = skeleton(self.sheet, self.head)
        form = self.sheet.form.tree
        self.expressions = Expressions(response, form, self.known.names, self.known.now or None)

    async def all(self) -> None:
        form = self.sheet.form.tree
        named = await self.names_of(form, self.head, _WHOLE, self.expressions.names)
        await self._lines(self.sheet.lines, named)

    async def names_of(self, owner: Tree, given: Tree, type: str, around: Names) -> Names:
        """Variables and the context of population, in FHIRPath or as queries."""
        named = around
        for one in extension(owner, names.VARIABLE, names.POPULATION):
            name = one.get("name") if isinstance(one, dict) else None
            if not isinstance(name, str):
                continue
            found = await self._evaluated(one, given, type, named)
            if found is not None:
                named = {**named, name: found}
        return named

    async def _evaluated(self, one: Any, given: Tree, type: str, named: Names) -> Collection | None:
        if not _is_query(one):
            return self.expressions.evaluated(fhirpath(one), given, type, named)
        text = one.get("expression")
        bundle = await self._asked(text, given, type, named) if isinstance(text, str) else None
        return None if bundle is None else [root_node(bundle)]

    async def _asked(self, text: str, given: Tree, type: str, named: Names) -> Tree | None:
        """What a query finds, as a searchset; a resource where it names one."""

        def insert(match: re.Match[str]) -> str:
            found = self.expressions.evaluated(match[1].strip(), given, type, named)
            return ",".join(filter(None, map(_token, found or [])))

        parts: list[str] = []

        def kept(match: re.Match[str]) -> str:
            parts.append(insert(match))
            return f"\0{len(parts) - 1}\0"

        def filled(piece: str) -> str:
            return re.sub("\0(\\d+)\0", lambda m: parts[int(m[1])], piece)

        path, _, query = _INSERT.sub(kept, text).partition("?")
        wanted = [filled(step) for step in path.strip("/").split("/")]
        if not query:
            return await self.records.one(*wanted) if len(wanted) == 2 and all(wanted) else None
        pairs = [pair.partition("=") for pair in query.split("&") if pair]
        asked = [(unquote(name), filled(unquote(value))) for name, _, value in pairs]
        if len(wanted) != 1 or any(not value for _, value in asked):
            return None
        found = await self.records.found(wanted[0], asked)
        entries = [{"resource": tree} for tree in found]
        bundle: Tree = {"resourceType": "Bundle", "type": "searchset", "total": len(entries)}
        return {**bundle, **({"entry": entries} if entries else {})}

    async def _lines(self, lines: list[Line], around: Names) -> None:
        for line in lines:
            item = line.item
            named = await self._named(item, line, around)
            if item.is_group:
                await self._group(line, named)
            elif item.is_question:
                await self._question(line, named)

    async def _named(self, item: Item, line: Line, around: Names) -> Names:
        if not extension(item.tree, names.VARIABLE, names.POPULATION):
            return around
        return await self.names_of(item.tree, line.tree, _ITEM, around)

    async def _group(self, line: Line, named: Names) -> None:
        context = line.item.one(names.POPULATION)
        name = context.get("name") if isinstance(context, dict) else None
        rows = _rows(named.get(name, [])) if isinstance(name, str) else []
        if line.item.repeats and len(rows) > 1:
            wanted = min(len(rows), line.item.most or _MOST_REPEATS, _MOST_REPEATS)
            line.repeats = [empty_repeat(line.item) for _ in range(wanted)]
        for place, repeat in enumerate(line.repeats):
            here = named
            if isinstance(name, str) and rows:
                here = {**named, name: rows[place : place + 1]}
            await self._lines(repeat.lines, here)

    async def _question(self, line: Line, named: Names) -> None:
        item = line.item
        for expression in extension(item.tree, names.INITIAL):
            found = await self._evaluated(expression, line.tree, _ITEM, named)
            values = answers_of(item, _rows(found or []))
            if values:
                line.entries = [answered(item, value) for value in values]
        for period in extension(item.tree, names.LINK_PERIOD) if not line.entries else ():
            value = await self._observed(item, period)
            if value is not None:
                line.entries = [answered(item, one) for one in answers_of(item, [value])]
        for entry in line.entries:
            await self._lines(entry.lines, named)

    async def _observed(self, item: Item, period: Any) -> Node | None:
        """The newest value of an Observation of this item's code."""
        codes = [_code(one) for one in objects(item.tree.get("code")) if one.get("code")]
        subject = self.head.get("subject", {}).get("reference")
        since = _since(period, self.known.now)
        if not codes or not subject or not since:
            return None
        pairs = [
            ("subject", str(subject)),
            ("code", ",".join(codes)),
            ("status", "final,amended,corrected,preliminary"),
            ("date", f"ge{since}"),
            ("_sort", "-date"),
            ("_count", "1"),
        ]
        for observation in await self.records.found("Observation", pairs):
            name, value = value_of(observation)
            if name:
                return _fitting(item, Node(value, _type(name)))
        return None


def _rows(found: Collection) -> Collection:
    """The resources of a searchset, one by one; else what was found."""
    rows: Collection = []
    for one in found:
        is_bundle = isinstance(one, Node) and one.type == "Bundle"
        if is_bundle and isinstance(one, Node):
            inside = (entry.get("resource") for entry in objects(one.value.get("entry")))
            rows += [root_node(tree) for tree in inside if isinstance(tree, dict)]
        else:
            rows.append(one)
    return rows


def _token(item: Any) -> str:
    """An item as a search parameter takes it (SDC, x-fhir-query enhancements)."""
    if isinstance(item, Node) and isinstance(item.value, dict):
        tree = item.value
        if "reference" in tree:
            return str(tree["reference"])
        if "coding" in tree:
            return ",".join(map(_code, objects(tree["coding"])))
        if "value" in tree and "code" in tree:
            return f"{tree['value']}|{tree.get('system', '')}|{tree['code']}"
        code = tree.get("code", tree.get("value"))
        return _code({"system": tree.get("system"), "code": code}) if code else ""
    value = plain(item)
    return "" if isinstance(value, Node) or value is None else str(value)


def _code(coding: Tree) -> str:
    system, code = coding.get("system"), coding.get("code")
    return f"{system}|{code}" if system else str(code)


def _type(name: str) -> str:
    """The type that a JSON name such as valueQuantity speaks of."""
    type = name.removeprefix("value")
    return type if type in _COMPLEX else type[:1].lower() + type[1:]


_COMPLEX: Final = frozenset(
    {"Quantity", "CodeableConcept", "Coding", "Range", "Ratio", "Period", "SampledData"}
)


def _fitting(item: Item, value: Node) -> Node | None:
    """A measured value in the unit of the question; None where it has another."""
    unit = item.one(names.UNIT)
    if value.type != "Quantity" or not isinstance(unit, dict) or "code" not in unit:
        return value
    amount, code = value.value.get("value"), value.value.get("code")
    if code == unit["code"] or amount is None:
        return value
    try:
        converted = ucum.convert(Decimal(amount), str(code), str(unit["code"]))
    except (ucum.NotAUnit, ucum.NotComparable):
        return None
    return Node({**unit_of(unit), "value": shorter(converted)}, "Quantity")


def _since(period: Any, now: int) -> str:
    if not isinstance(period, dict) or not isinstance(period.get("value"), int | Decimal):
        return ""
    days = _DAYS.get(str(period.get("code") or period.get("unit")), 0) * float(period["value"])
    if not days:
        return ""
    return str(
        (datetime.fromtimestamp(now / 1_000_000, UTC) - timedelta(days=min(days, 50_000))).date()
    )
