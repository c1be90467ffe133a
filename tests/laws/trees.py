"""Trees of resources for laws, drawn from the definitions: every type and element may come up."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from hypothesis import strategies as st

from careplane.fhir.definitions import RESOURCE_TYPES, Element, is_primitive, type_definition

Draw = Any  # hypothesis' own type of `draw` says no more

# Characters that XML can hold, minding those that it escapes or normalises.
TEXT = st.text(
    st.one_of(
        st.sampled_from("\t\n\r \"'&<>]é😀\u0085\u2028\ufeff"),
        st.characters(exclude_categories=["Cc", "Cs"], exclude_characters="\ufffe\uffff"),
    ),
    min_size=1,
    max_size=8,
)
_INTEGERS = st.integers(-(2**31), 2**31 - 1)
_DECIMALS = st.one_of(
    _INTEGERS,
    st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**9), max_value=10**9),
    st.sampled_from([Decimal("1.00"), Decimal("-0.0"), Decimal("1E-30"), Decimal("0.000")]),
)
DIV = st.builds(
    '<div xmlns="http://www.w3.org/1999/xhtml">{}</div>'.format,
    st.sampled_from(["a", "a &lt; b", "<p></p>", "a<br/> <b>c</b> d", "<i>é&amp;</i><hr/>"]),
)
PRIMITIVES = {
    "boolean": st.booleans(),
    "integer": _INTEGERS,
    "positiveInt": _INTEGERS,
    "unsignedInt": _INTEGERS,
    "decimal": _DECIMALS,
    "xhtml": DIV,
}


@st.composite
def resources(draw: Draw, depth: int = 2) -> dict[str, Any]:
    """A resource of some type with a few of its elements, and no regard for what they mean."""
    name = draw(st.sampled_from(RESOURCE_TYPES))
    return {"resourceType": name, **draw(objects(name, depth, least=0))}


@st.composite
def objects(draw: Draw, type_name: str, depth: int, least: int = 1) -> dict[str, Any]:
    """An object of a type with a few of its elements."""
    names = type_definition(type_name).json_names
    usable = sorted(name for name, (_, of) in names.items() if depth > 0 or is_primitive(of))
    usable = usable or sorted(names)
    tree: dict[str, Any] = {}
    for name in draw(st.lists(st.sampled_from(usable), min_size=least, max_size=3, unique=True)):
        element, of = names[name]
        if not element.choice or not any(names[other.lstrip("_")][0] is element for other in tree):
            _put(draw, tree, name, element, of, depth - 1)
    return tree


def _put(
    draw: Draw, tree: dict[str, Any], name: str, element: Element, of: str, depth: int
) -> None:
    bare = element.xml_attribute or of == "xhtml"
    pairs = [_pair(draw, of, depth, bare) for _ in range(draw(st.integers(1, 2)))]
    values, besides = [pair[0] for pair in pairs], [pair[1] for pair in pairs]
    if not element.repeats:
        values, besides = values[:1], besides[:1]
    for key, list_ in ((name, values), ("_" + name, besides)):
        if any(one is not None for one in list_):
            tree[key] = list_ if element.repeats else list_[0]


def _pair(draw: Draw, of: str, depth: int, bare: bool) -> tuple[Any, Any]:
    """A value and what stands beside it; never nothing at all."""
    if of == "Resource":
        return draw(resources(max(depth, 0))), None
    if not is_primitive(of):
        return draw(objects(of, depth)), None
    value = draw(PRIMITIVES.get(of, TEXT))
    if bare or not draw(st.booleans()):
        return value, None
    return draw(st.sampled_from([value, None])), draw(objects("Element", depth))
