"""What a FHIRPath Patch puts into a resource: the `value` of an operation as JSON (fhirpatch.html).

A value is of a data type that Parameters can carry, or a resource, or is built from parts where it
has no name of its own (`Patient.contact`, an extension).
"""

from __future__ import annotations

from careplane.fhir.definitions import Element, is_resource, is_subtype, type_definition
from careplane.fhir.patch.operands import list_of_objects, value_of
from careplane.fhir.patch.place import Refused, elements_of, json_name
from careplane.fhir.patch.slot import Pair, Slot
from careplane.fhir.tree import Tree

# Types that are not related, and whose values are yet written alike: the outcome is validated.
_ALSO = {
    "xhtml": ("string",),
    "dateTime": ("date", "instant"),
    "instant": ("dateTime",),
    "decimal": ("integer",),
}
_HOLDERS = ("Resource", "DomainResource")


def element_named(type_name: str, name: str) -> tuple[Element, tuple[str, ...]]:
    """The element of a type, by its name in FHIRPath or JSON, and the types it may have."""
    elements = elements_of(type_name)
    if name in elements:
        return elements[name], elements[name].types
    named = type_definition(type_name).json_names.get(name) if elements else None
    if named is None:
        raise Refused(f"'{name[:64]}' is not an element there")
    return named[0], (named[1],)


def build(element: Element, types: tuple[str, ...], part: Tree | None) -> tuple[str, Pair]:
    """The JSON name and the content that a `value` part gives to an element."""
    if part is None:
        raise Refused("it has no 'value'")
    found = value_of(part)
    if found is not None:
        given, value, beside = found
        chosen = _fitting(_type_named(given), types)
        if chosen is None:
            raise Refused(f"a value of type {given} may not stand in '{element.name}'")
        if value is None and beside is None:
            raise Refused("the value is empty")
        return json_name(element, chosen), Pair(value, beside)
    if "resource" in part:
        return element.name, _resource(element, types, part["resource"])
    if len(types) != 1:
        raise Refused(f"'{element.name}' has several types: its value must be a value[x]")
    return json_name(element, types[0]), Pair(_object(types[0], part))


def _object(type_name: str, part: Tree) -> Tree:
    """An object built from parts, each of which is an element of it."""
    tree: Tree = {}
    for inner in list_of_objects(part.get("part")):
        element, types = element_named(type_name, str(inner.get("name", "")))
        name, pair = build(element, types, inner)
        slot = Slot(tree, name, element.repeats)
        pairs = slot.read()
        if pairs and not element.repeats:
            raise Refused(f"'{element.name}' may be there only once")
        slot.write([*pairs, pair])
    if not tree:
        raise Refused("the value is empty")
    return tree


def _resource(element: Element, types: tuple[str, ...], resource: object) -> Pair:
    kind = resource.get("resourceType") if isinstance(resource, dict) else None
    if not set(types) & {*_HOLDERS, kind} or not is_resource(str(kind)):
        raise Refused(f"a resource may not stand in '{element.name}'")
    return Pair(resource)


def _type_named(suffix: str) -> str:
    """The type of `valueDateTime`, without `value`: `dateTime`."""
    named = type_definition("Parameters.parameter").json_names.get("value" + suffix)
    if named is None:
        raise Refused(f"'value{suffix[:32]}' is not known")
    return named[1]


def _fitting(given: str, types: tuple[str, ...]) -> str | None:
    if given in types:
        return given
    return next((wanted for wanted in types if _fits(given, wanted)), None)


def _fits(given: str, wanted: str) -> bool:
    related = is_subtype(given, wanted) or is_subtype(wanted, given)
    return related or given in _ALSO.get(wanted, ())
