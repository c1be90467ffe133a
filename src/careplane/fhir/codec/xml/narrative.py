"""The XHTML of `Narrative.div`, which JSON holds as a string (FHIR R4, 2.4.1 The <div> Element)."""

from __future__ import annotations

from copy import deepcopy

from lxml import etree

from careplane.fhir.codec.xml.document import parse_document
from careplane.fhir.codec.xml.shape import DIV, XHTML
from careplane.kernel.errors import Invalid, Malformed, TooLarge

# HTML readers take `<b/>` for an open tag, so only these are written that way.
_VOID = frozenset(f"{{{XHTML}}}{name}" for name in ("area", "br", "col", "hr", "img", "wbr"))


MAX_ELEMENTS = 100_000
"""Elements of one narrative, as validation has it too: ten megabytes of `<b/>` are a weapon."""

_count = etree.XPath("count(descendant::*)")


def to_string(div: etree._Element) -> str:
    """The element as a string that stands alone: it carries its namespace and nothing else's."""
    elements = _count(div)
    assert isinstance(elements, float), "count() of XPath is a number"
    if elements > MAX_ELEMENTS:
        raise TooLarge(f"A narrative may have {MAX_ELEMENTS} elements.")
    alone = deepcopy(div)  # out of its document, so that unused prefixes of the resource stay there
    alone.tail = None
    if alone.prefix is not None:
        alone = _without_prefix(alone)
    for element in alone.iter(etree.Element):
        if len(element) == 0 and not element.text and element.tag not in _VOID:
            element.text = ""
    return etree.tostring(alone, encoding="unicode")


def to_xml(text: str) -> str:
    """The string as XML that may be put into a document, or Invalid: nothing breaks out of it."""
    try:
        div = parse_document(text.encode(), trusted=True)
    except (Malformed, TooLarge, UnicodeEncodeError):
        raise Invalid("The narrative is not well-formed XHTML.") from None
    if div.tag != DIV:
        raise Invalid("The narrative must be a div in the namespace of XHTML.")
    return etree.tostring(div, encoding="unicode", with_tail=False)


def _without_prefix(div: etree._Element) -> etree._Element:
    # The stubs of lxml know no default namespace here.
    plain = etree.Element(div.tag, dict(div.attrib), nsmap={None: XHTML})  # type: ignore[dict-item,misc]
    plain.text = div.text
    plain.extend(div)
    etree.cleanup_namespaces(plain)
    return plain
