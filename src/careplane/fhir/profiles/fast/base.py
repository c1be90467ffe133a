"""What is asked of any resource: its codes, references, extensions; as functions over structs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

from careplane.fhir.definitions import Element, is_primitive, required_codings, type_definition
from careplane.fhir.profiles.fast.around import Around, coding_is_known, refers
from careplane.fhir.profiles.fast.conditions import TooHard, membership
from careplane.fhir.structs import attribute
from careplane.fhir.translate.compiled import build

Asked = Callable[[Any, Around], bool]
_SKIPPED = frozenset({"text", "contained", "extension", "modifierExtension", "id", "implicitRules"})
_HERE = frozenset({"Coding"})


@cache
def asked(type_name: str, extended: bool) -> Asked:
    """The function for a type. With `extended`, an extension anywhere below looks closer; without,
    the caller knows that there is none."""
    writer = _Writer(extended)
    name = writer.function(type_name)
    return build("\n".join(writer.text), name, **writer.bound)


class _Writer:
    def __init__(self, extended: bool) -> None:
        self.text: list[str] = []
        self.bound: dict[str, Any] = {"refers": refers, "coding_is_known": coding_is_known}
        self._extended = extended
        self._names: dict[str, str] = {}

    def function(self, type_name: str) -> str:
        if type_name not in self._names:
            name = self._names[type_name] = f"asked_{len(self._names)}"
            lines = list(self._lines(type_name))
            self.text += [
                f"def {name}(o, k):",
                *(f"    {line}" for line in lines),
                "    return True",
            ]
        return self._names[type_name]

    def _lines(self, type_name: str) -> Iterator[str]:
        definition = type_definition(type_name)
        if "contained" in definition.elements:
            yield "if o.contained is not None: return False"
        if type_name == "Coding":
            yield "if not coding_is_known(o, k): return False"
        for element in definition.elements.values():
            if element.name in _SKIPPED:
                continue
            for json, inner in element.json_names.items():
                text = self._item(element, inner)
                if not text:
                    continue
                member = f"o.{attribute(json)}"
                if element.repeats:
                    yield f"for i in {member} or ():"
                    yield f"    if not ({text}): return False"
                else:
                    yield f"i = {member}"
                    yield f"if i is not None and not ({text}): return False"

    def _item(self, element: Element, inner: str) -> str:
        if inner == "Resource":
            return "False"
        parts = []
        binding = element.binding
        if (
            binding is not None
            and binding.strength == "required"
            and required_codings(binding.value_set) is None
        ):
            try:
                parts.append(membership("i", inner, binding.value_set))
            except TooHard:
                return "False"
        if inner == "Reference" and element.targets:
            name = f"to_{len(self.bound)}"
            self.bound[name] = frozenset(element.targets)
            parts.append(f"refers(i, {name}, {name}, {name}, k)")
        if not is_primitive(inner) and (self._extended or holds(inner)):
            if self._extended:
                parts.append("i.extension is None")
                if "modifierExtension" in type_definition(inner).elements:
                    parts.append("i.modifierExtension is None")
            if holds(inner):
                parts.append(f"{self.function(inner)}(i, k)")
        return " and ".join(parts)


@cache
def holds(type_name: str) -> bool:
    """Whether something in a value of this type is asked about."""
    return _holds(type_name, frozenset())


def _holds(type_name: str, seen: frozenset[str]) -> bool:
    if type_name in _HERE:
        return True
    if type_name in seen or is_primitive(type_name):
        return False
    for element in type_definition(type_name).elements.values():
        if element.name in _SKIPPED:
            continue
        for inner in element.types:
            binding = element.binding
            if (
                binding is not None
                and binding.strength == "required"
                and required_codings(binding.value_set) is None
            ):
                return True
            if inner == "Resource" or (inner == "Reference" and element.targets):
                return True
            if _holds(inner, seen | {type_name}):
                return True
    return False
