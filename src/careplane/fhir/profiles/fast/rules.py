"""A rule of a profile as a Python function from a struct to "surely kept" or "look closer"."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any

from careplane.fhir.definitions import Element, is_primitive, is_subtype, type_definition
from careplane.fhir.fhirpath.errors import NotFhirpath, NotMeaningful
from careplane.fhir.profiles.fast.around import Around, refers
from careplane.fhir.profiles.fast.conditions import (
    TooHard,
    literal,
    membership,
    pattern,
    slice_condition,
)
from careplane.fhir.profiles.library import Library
from careplane.fhir.profiles.rules import Bound, Rule, TypeRule
from careplane.fhir.profiles.slicing import slicing_of
from careplane.fhir.structs import attribute
from careplane.fhir.translate import Untranslatable
from careplane.fhir.translate.compiled import build, condition

Kept = Callable[[Any, Around], bool]
_CORE = "http://hl7.org/fhir/StructureDefinition/"
_ANY = frozenset({"BackboneElement", "Element", "Resource", "DomainResource"})
_BY_TYPE = [("type", "$this")]


class RuleWriter:
    """Writes the functions of one program; `bound` is what their text names."""

    def __init__(self, library: Library) -> None:
        self._library = library
        self._names: dict[tuple[int, str], str] = {}
        self._text: list[str] = []
        self._bound: dict[str, Any] = {"Decimal": Decimal, "refers": refers}
        self._kept: list[Rule] = []

    def function(self, rule: Rule, type_name: str) -> Kept:
        """The function of a rule for a type."""
        name = self._function(rule, type_name)
        return build("\n".join(self._text), name, **self._bound)

    def _function(self, rule: Rule, type_name: str) -> str:
        key = (id(rule), type_name)
        if key not in self._names:
            self._kept.append(rule)
            name = self._names[key] = f"kept_{len(self._names)}"
            lines = list(self._lines(rule, type_name))
            self._text += [
                f"def {name}(o, k):",
                *(f"    {line}" for line in lines),
                "    return True",
            ]
        return self._names[key]

    def _lines(self, rule: Rule, type_name: str) -> Iterator[str]:
        yield from self._value(rule, type_name)
        if is_primitive(type_name):
            if any(child.min or child.slices for child in rule.children.values()):
                yield "return False"
            return
        for child in rule.children.values():
            try:
                element = type_definition(type_name).elements[child.name]
            except KeyError:
                yield "return False"
                return
            yield from self._child(element, child)

    def _value(self, rule: Rule, type_name: str) -> Iterator[str]:
        try:
            yield from self._conditions(rule, type_name)
        except TooHard:
            yield "return False"

    def _conditions(self, rule: Rule, type_name: str) -> Iterator[str]:
        if rule.least or rule.most or rule.regex or rule.additional or rule.language:
            raise TooHard
        if rule.fixed is not None:
            if not is_primitive(type_name):
                raise TooHard
            yield f"if o != {literal(rule.fixed)}: return False"
        if rule.pattern is not None:
            yield f"if not {pattern('o', type_name, rule.pattern)}: return False"
        if rule.max_length is not None:
            yield f"if len(o) > {rule.max_length}: return False"
        if rule.min_length is not None:
            yield f"if len(o) < {rule.min_length}: return False"
        if rule.binding is not None:
            yield from _bound(rule.binding, type_name)
        for invariant in rule.invariants:
            if invariant.severity == "error":
                broken = f"{self._condition(invariant.expression, type_name)}(o) is False"
                yield f"if {broken}: return False"

    def _condition(self, expression: str, type_name: str) -> str:
        try:
            found = condition(type_name, expression)
        except (Untranslatable, NotFhirpath, NotMeaningful):
            raise TooHard from None
        return self._bind("rule", found)

    def _bind(self, stem: str, value: Any) -> str:
        name = f"{stem}_{len(self._bound)}"
        self._bound[name] = value
        return name

    def _child(self, element: Element, rule: Rule) -> Iterator[str]:
        try:
            yield from self._counted(element, rule)
            yield from self._items(element, rule)
            if rule.slices:
                yield from self._sliced(element, rule)
        except TooHard:
            there = _there(element)
            yield (
                "return False"
                if rule.min or any(s.min for s in rule.slices)
                else (f"if {there}: return False")
            )

    def _counted(self, element: Element, rule: Rule) -> Iterator[str]:
        there = _there(element)
        if element.repeats:
            member = f"o.{attribute(element.name)}"
            if rule.min:
                yield f"if {member} is None or len({member}) < {rule.min}: return False"
            if rule.max is not None:
                yield f"if {member} is not None and len({member}) > {rule.max}: return False"
            return
        if rule.min:
            yield f"if not ({there}): return False"
        if rule.max == 0:
            yield f"if {there}: return False"

    def _items(self, element: Element, rule: Rule) -> Iterator[str]:
        for json, type_name in element.json_names.items():
            types = [t for t in rule.types if t.code in _ANY or is_subtype(type_name, t.code)]
            if rule.types and not types:
                yield f"if o.{attribute(json)} is not None: return False"
                continue
            asked = [*self._asked(rule, type_name), *self._typed(type_name, types)]
            if asked:
                yield from _each(element, json, asked)

    def _asked(self, rule: Rule, type_name: str) -> Iterator[str]:
        if rule.is_about_value or rule.children:
            yield f"{self._function(rule, type_name)}(i, k)"

    def _typed(self, type_name: str, types: list[TypeRule]) -> Iterator[str]:
        if type_name == "Reference":
            yield from self._referring(types)
        elif type_name != "Extension" and types and all(t.profiles for t in types):
            profiles = [p for t in types for p in t.profiles]
            program = self._library.program(profiles[0]) if len(profiles) == 1 else None
            if len(profiles) > 1 or (program is not None and program.type == "Resource"):
                raise TooHard
            if program is not None:
                yield f"{self._function(program.root, type_name)}(i, k)"

    def _referring(self, types: list[TypeRule]) -> Iterator[str]:
        if any(t.aggregation or t.versioning != "either" for t in types):
            raise TooHard
        urls = [u for t in types for u in t.targets]
        if not urls or _CORE + "Resource" in urls:
            return
        names = [self._bind("to", part) for part in _targets(urls, self._library)]
        yield f"refers(i, {', '.join(names)}, k)"

    def _sliced(self, element: Element, rule: Rule) -> Iterator[str]:
        slicing = slicing_of(rule, None)
        if slicing.ordered or slicing.rules == "openAtEnd" or any(s.slices for s in rule.slices):
            raise TooHard
        if element.choice:
            yield from self._by_type(element, rule)
            return
        if not element.repeats or is_primitive(element.types[0]):
            raise TooHard
        type_name, lines = element.types[0], []
        by_url = type_name == "Extension" and [d.path for d in slicing.discriminators] == ["url"]
        for number, one in enumerate(rule.slices):
            told = _url(one) if by_url else slice_condition("i", type_name, one, slicing)
            lines += [f"if {told}:", f"    m += 1; n{number} += 1"]
            types = [t for t in one.types if t.code not in _ANY]
            for text in (*self._asked(one, type_name), *self._typed(type_name, types)):
                lines.append(f"    if not {text}: return False")
        yield "; ".join(f"n{number} = 0" for number in range(len(rule.slices)))
        yield f"for i in o.{attribute(element.name)} or ():"
        yield "    m = 0"
        yield from (f"    {line}" for line in lines)
        yield "    if m > 1: return False"
        if slicing.rules == "closed":
            yield "    if m == 0: return False"
        for number, one in enumerate(rule.slices):
            if one.min:
                yield f"if n{number} < {one.min}: return False"
            if one.max is not None:
                yield f"if n{number} > {one.max}: return False"

    def _by_type(self, element: Element, rule: Rule) -> Iterator[str]:
        slicing = slicing_of(rule, None)
        if [(d.kind, d.path) for d in slicing.discriminators] != _BY_TYPE:
            raise TooHard
        named: set[str] = set()
        for one in rule.slices:
            codes = {t.code for t in one.types}
            mine = [(json, of) for json, of in element.json_names.items() if of in codes]
            if not mine or named & codes:
                raise TooHard
            named |= codes
            there = " or ".join(f"o.{attribute(json)} is not None" for json, _ in mine)
            if one.min:
                yield f"if not ({there}): return False"
            if one.max == 0:
                yield f"if {there}: return False"
            for json, of in mine:
                types = [t for t in one.types if t.code == of]
                asked = [*self._asked(one, of), *self._typed(of, types)]
                if asked:
                    yield from _each(element, json, asked)
        if slicing.rules == "closed":
            others = [json for json, of in element.json_names.items() if of not in named]
            yield f"if {' or '.join(f'o.{attribute(j)} is not None' for j in others)}: return False"


def _there(element: Element) -> str:
    return " or ".join(f"o.{attribute(json)} is not None" for json in element.json_names)


def _each(element: Element, json: str, asked: list[str]) -> Iterator[str]:
    member, text = f"o.{attribute(json)}", " and ".join(asked)
    if element.repeats:
        yield f"for i in {member} or ():"
        yield f"    if not ({text}): return False"
    else:
        yield f"i = {member}"
        yield f"if i is not None and not ({text}): return False"


def _url(slice: Rule) -> str:
    profiles = [p.partition("|")[0] for t in slice.types for p in t.profiles]
    if profiles:
        return f"i.url in {tuple(profiles)!r}"
    stated = slice.children.get("url")
    fixed = stated.fixed if stated is not None else None
    return f"i.url == {(fixed if fixed is not None else slice.slice_name)!r}"


def _bound(bound: Bound, type_name: str) -> Iterator[str]:
    sets = [bound.value_set] if bound.strength == "required" else []
    sets += [bound.maximum] if bound.maximum else []
    for value_set in sets:
        yield f"if not ({membership('o', type_name, value_set)}): return False"


def _targets(
    urls: list[str], library: Library
) -> tuple[frozenset[str], frozenset[str], frozenset[str]]:
    """Types that may be referred to, those of them that need no profile, and the profiles."""
    plain, types, profiles = set(), set(), set()
    for url in urls:
        name = url.removeprefix(_CORE)
        if name != url and name[:1].isupper() and name.isalnum():
            plain.add(name)
            continue
        program = library.program(url)
        if program is None:
            raise TooHard
        types.add(program.type)
        profiles.add(url)
    return frozenset(plain | types), frozenset(plain), frozenset(profiles)
