"""Code systems that an element does not write because its definition says them (R4, 3.1.1.4.10).

A `code` is stored without a system, but `gender=http://hl7.org/fhir/administrative-gender|male` is
a good question: where every element of the parameter is a code of a required binding, the systems
of the binding stand for the system that is not written.
"""

from __future__ import annotations

from functools import lru_cache

from careplane.fhir.definitions import Element, SearchParam, required_codings, type_definition
from careplane.search.compile.aliases import atoms

BOOLEANS = "http://hl7.org/fhir/special-values"
_NONE: frozenset[str] = frozenset()


@lru_cache(maxsize=2048)
def implied_systems(base: str, definition: SearchParam) -> frozenset[str]:
    """The systems that the codes of a token parameter have on a type without writing them."""
    found = [_of_element(_element(path)) for path in atoms(base, definition)]
    return frozenset().union(*found) if found and all(found) else _NONE


def _element(path: str) -> Element | None:
    """The element at a plain path such as `Patient.contact.gender`."""
    type_name, *names = path.split(".")
    element = None
    for name in names:
        if element is not None:
            type_name = element.types[0]
        try:
            element = type_definition(type_name).elements.get(name)
        except KeyError:
            return None
        if element is None or element.choice:
            return None
    return element


def _of_element(element: Element | None) -> frozenset[str]:
    if element is None:
        return _NONE
    if element.types == ("boolean",):
        return frozenset({BOOLEANS})
    if element.types != ("code",) or element.binding is None:
        return _NONE
    return frozenset(system for system, _ in required_codings(element.binding.value_set) or ())
