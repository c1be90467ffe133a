"""Resources with every element of their type, for laws that must meet every path once.

Nothing is drawn: variant after variant takes the next type of each choice, the next code of each
binding, the next target of each reference.
"""

from __future__ import annotations

from decimal import Decimal
from itertools import count
from typing import Any

from careplane.fhir.definitions import (
    RESOURCE_TYPES,
    Element,
    is_primitive,
    required_codes,
    type_definition,
)

DEPTH = 4
_DATES = ("2020", "2020-02", "2020-02-03")
_INSTANTS = ("2020-02-03T04:05:06Z", "2020-02-03T04:05:06.789-05:00")
_FIXED: dict[str, tuple[Any, ...]] = {
    "boolean": (True, False),
    "date": _DATES,
    "dateTime": (*_DATES, *_INSTANTS),
    "instant": _INSTANTS,
    "time": ("10:11:12",),
    "decimal": (Decimal("1.50"), Decimal(-2)),
    "integer": (3, -4),
    "positiveInt": (5, 6),
    "unsignedInt": (0, 7),
    "base64Binary": ("AAAA",),
    "canonical": ("http://a/b|1", "http://a/c", "Patient/x"),
    "uri": ("http://a/b", "urn:uuid:1", "Observation/y"),
    "xhtml": ('<div xmlns="http://www.w3.org/1999/xhtml">x</div>',),
}
_INNER = ("Composition", "MessageHeader", "Patient")


class Full:
    """The resources of one variant."""

    def __init__(self, variant: int) -> None:
        self.variant = variant
        self.numbers = count()

    def resource(self, name: str) -> dict[str, Any]:
        return {"resourceType": name, **self.object(name, DEPTH)}

    def object(self, name: str, depth: int) -> dict[str, Any]:
        if name == "Reference":
            return self.reference(())
        tree: dict[str, Any] = {}
        for element in type_definition(name).elements.values():
            if element.name in ("extension", "modifierExtension", "contained", "id"):
                continue
            names = list(element.json_names.items())
            json_name, of = names[self.variant % len(names)]
            if depth > 0 or is_primitive(of) or element.min:
                values = [self.value(element, of, depth - 1) for _ in range(2)]
                tree[json_name] = values if element.repeats else values[0]
        return tree

    def value(self, element: Element, of: str, depth: int) -> Any:
        number = next(self.numbers) + self.variant
        if of == "Reference":
            return self.reference(element.targets)
        if of == "Resource":
            return {"resourceType": _INNER[self.variant % len(_INNER)], "id": f"in{number}"}
        if not is_primitive(of):
            return self.object(of, depth)
        if of == "code" and element.binding and element.binding.strength == "required":
            codes = sorted(required_codes(element.binding.value_set) or ("x",))
            return codes[number % len(codes)]
        choices = _FIXED.get(of)
        return choices[number % len(choices)] if choices else f"Text-{number}"

    def reference(self, targets: tuple[str, ...]) -> dict[str, Any]:
        number = next(self.numbers) + self.variant
        known = [t for t in targets if t in RESOURCE_TYPES] or ["Patient", "Group"]
        target = f"{known[number % len(known)]}/{number}"
        forms = (target, f"{target}/_history/2", f"http://else/fhir/{target}", "#in", "urn:uuid:2")
        return {
            "reference": forms[number % len(forms)] if number % 2 else target,
            "identifier": {"system": "i", "value": str(number)},
            "display": f"Shown {number}",
        }
