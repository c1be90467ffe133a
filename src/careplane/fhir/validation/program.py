"""The post-check: what msgspec cannot state, as Python functions written from the definitions.

For each type a function takes its struct and answers whether it is surely valid. "No" means "look
closer": the slow path then finds the problems, or finds none. Functions are compiled when a
resource type is first met. There are two modes of each:

* `plain`, for bytes without backslashes, extensions and `_siblings`, as most resources are: what
  cannot be there is not looked for, and a space is the only white space that can occur;
* `full`, for all others.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import zip_longest
from typing import Any, NamedTuple

from careplane.fhir.definitions import (
    Element,
    Invariant,
    TypeDef,
    required_codes,
    required_codings,
    type_definition,
)
from careplane.fhir.fhirpath.parser import parse
from careplane.fhir.structs import attribute, class_name
from careplane.fhir.translate import Translator
from careplane.fhir.translate.compiled import NAMESPACE
from careplane.fhir.tree import is_sane_number
from careplane.fhir.validation import natives, primitives, xhtml
from careplane.fhir.validation.invariants import NATIVE, NEEDS, of_element, of_type


class Root(NamedTuple):
    """Around an element: the ids that its root resource contains, and how deep that resource is in
    others."""

    ids: frozenset[str | None]
    level: int


Check = Callable[[Any, Root], bool]
"""Of a struct, or of the bytes of a resource, whether it is surely valid."""

_EXTENSIONS = ("extension", "modifierExtension")
# Types that msgspec checks in full, given that control characters have been looked for.
_BY_MSGSPEC = frozenset({"boolean", "integer", "unsignedInt", "positiveInt", "string", "markdown"})
_SPACED = frozenset({"uri", "url", "canonical", "code"})
_BAD = {
    "decimal": "not is_sane_number({0})",
    "uri": "not is_uri({0})",
    "url": "not is_uri({0})",
    "canonical": "not is_uri({0})",
    "code": "not is_code({0})",
    "base64Binary": "not is_base64({0})",
    "id": "not is_id({0})",
    "oid": "not is_oid({0})",
    "uuid": "not is_uuid({0})",
    "date": "not is_date({0})",
    "dateTime": "not is_date_time({0})",
    "instant": "not is_instant({0})",
    "time": "not is_time({0})",
    "xhtml": "narrative({0}) is not None",
}
"""Primitive type -> the expression that is true of a value to look closer at."""


def paired(values: list[Any] | None, extras: list[Any] | None) -> bool:
    """Whether an array of primitives and its `_sibling` leave no place without either."""
    places = zip_longest(values or (), extras or ())
    return all(value is not None or extra is not None for value, extra in places)


def coded(concept: Any, codings: frozenset[tuple[str, str]]) -> bool:
    """Whether a CodeableConcept has a coding of a required value set."""
    return any((c.system, c.code) in codings for c in concept.coding or ())


class Program:
    """The functions of one mode, compiled type by type into one namespace."""

    def __init__(self, full: bool, resource: Check, contained: Check) -> None:
        self.full = full
        self.compiled: dict[str, bool] = {}  # type -> whether there is something to check
        self.namespace: dict[str, Any] = {
            "is_sane_number": is_sane_number,
            "is_uri": primitives.is_uri,
            "is_code": primitives.is_code,
            "is_base64": primitives.is_base64,
            "is_id": primitives.is_id,
            "is_oid": primitives.is_oid,
            "is_uuid": primitives.is_uuid,
            "is_date": primitives.is_date,
            "is_date_time": primitives.is_date_time,
            "is_instant": primitives.is_instant,
            "is_time": primitives.is_time,
            "narrative": xhtml.problem,
            "paired": paired,
            "coded": coded,
            "codings": required_codings,
            **natives.CALLED,
            **NAMESPACE,
            "resource": resource,
            "contained": contained,
        }

    def check(self, type_name: str) -> Check:
        """The function of a type."""
        if not self._prepare(type_name):
            return lambda *_: True
        found: Check = self.namespace[class_name(type_name)]
        return found

    def _prepare(self, type_name: str) -> bool:
        """Compile a type and all that it is made of; whether there is anything to check in it."""
        if type_name not in self.compiled:
            self.compiled[type_name] = True  # for types that contain themselves
            source = "\n".join(self._function(type_definition(type_name)))
            self.compiled[type_name] = bool(source)
            code = compile(source, f"<check {type_name}>", "exec")
            exec(code, self.namespace)  # noqa: S102  (definitions)  # nosec B102
        return self.compiled[type_name]

    def _function(self, definition: TypeDef) -> list[str]:
        lines = [
            line
            for e in definition.elements.values()
            if self._is_met(e)
            for line in self._element(e)
        ]
        lines += self._invariants(of_type(definition), "o", definition.name)
        if not lines:
            return []
        body = [f"    {line}" for line in lines]
        return [f"def {class_name(definition.name)}(o, r):", *body, "    return True"]

    def _invariants(self, rules: list[Invariant], variable: str, of: str) -> Iterator[str]:
        translator = Translator()
        for rule in rules:
            broken = NATIVE.get(rule.key)
            if broken is None:
                scope = translator.scope(variable, of)
                broken = translator.truth(parse(rule.expression), scope).no
            if rule.key in NEEDS:
                broken = f"{NEEDS[rule.key]} and {broken}"
            if rule.severity == "error" and broken:
                yield f"if {broken}: return False"

    def _is_met(self, element: Element) -> bool:
        return element.max != 0 and (self.full or element.name not in _EXTENSIONS)

    def _element(self, element: Element) -> Iterator[str]:
        members = list(element.json_names.items())
        lines = [line for name, of in members for line in self._member(element, name, of)]
        if element.choice:
            yield "n = 0"
            yield from lines
            yield f"if n > 1{' or n == 0' if element.min else ''}: return False"
        else:
            yield from lines

    def _member(self, element: Element, name: str, of: str) -> Iterator[str]:
        attr = attribute(name)
        checks = list(self._checks(element, of, attr))
        counts = ["n += 1"] if element.choice else []
        has_sibling = of[0].islower() and not self._is_bare(element, of)
        if self.full and has_sibling:
            yield from self._with_sibling(element, of, attr, counts, checks)
            return
        needed = element.min > 0 and of[0].islower() and not element.choice and has_sibling
        if not (checks or counts or needed):
            return
        yield f"v = o.{attr}"
        if needed:
            yield "if v is None: return False"
        if checks or counts:
            yield "if v is not None:"
            yield from (f"    {line}" for line in counts + checks)

    def _with_sibling(
        self, element: Element, of: str, attr: str, counts: list[str], checks: list[str]
    ) -> Iterator[str]:
        self._prepare("Element")
        yield f"v = o.{attr}; e = o.{attr.removesuffix('_')}_ext"
        if element.min and not element.choice:
            yield "if v is None and e is None: return False"
        if counts:
            yield "if v is not None or e is not None: n += 1"
        if checks:
            yield "if v is not None:"
            yield from (f"    {line}" for line in checks)
        yield "if e is not None:"
        if element.repeats:
            yield "    if not paired(v, e): return False"
            yield "    for i, x in enumerate(e):"
            yield "        if x is not None and not Element(x, r): return False"
            yield "        if x is not None and x.extension is None: return False"
        else:
            yield "    if not Element(e, r) or (v is None and e.extension is None): return False"

    def _is_bare(self, element: Element, of: str) -> bool:
        return element.xml_attribute or of == "xhtml" or element.name == "id"

    def _checks(self, element: Element, of: str, attr: str) -> Iterator[str]:
        """Statements about a value `v` that is not None."""
        if of == "Resource":
            kind = "contained" if element.name == "contained" else "resource"
            yield from _each(element, f"not {kind}({{0}}, r)")
        elif of[0].isupper():
            if self._prepare(of):
                yield from _each(element, f"not {class_name(of)}({{0}}, r)")
            yield from self._bound(element)
        else:
            yield from self._primitive(element, of, attr)
        variable = "x" if element.repeats else "v"
        broken = list(self._invariants(of_element(element), variable, of))
        if broken and element.repeats:
            yield "for x in v:"
            yield "    if x is None: continue"
            broken = [f"    {line}" for line in broken]
        yield from broken

    def _bound(self, element: Element) -> Iterator[str]:
        binding = element.binding
        if binding and binding.strength == "required" and required_codings(binding.value_set):
            yield from _each(element, f"not coded({{0}}, codings({binding.value_set!r}))")

    def _primitive(self, element: Element, of: str, attr: str) -> Iterator[str]:
        if element.repeats and not self.full:
            yield "if None in v: return False"
        if element.repeats and self.full:
            yield f"if None in v and o.{attr.removesuffix('_')}_ext is None: return False"
        if of in _BY_MSGSPEC or _is_literal(element, of):
            return
        bad = _BAD[of]
        if of in _SPACED and not self.full:
            bad = f"' ' in {{0}} and {bad}"
        if element.repeats and self.full:
            bad = f"{{0}} is not None and {bad}"
        yield from _each(element, bad)


def _is_literal(element: Element, of: str) -> bool:
    """A code whose list msgspec knows."""
    binding = element.binding
    return bool(
        of == "code"
        and element.types == ("code",)
        and binding
        and binding.strength == "required"
        and required_codes(binding.value_set)
    )


def _each(element: Element, bad: str) -> Iterator[str]:
    if element.repeats:
        yield "for x in v:"
        yield f"    if {bad.format('x')}: return False"
    else:
        yield f"if {bad.format('v')}: return False"
