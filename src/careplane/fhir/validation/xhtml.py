"""Narrative.div (FHIR R4, 2.4.0.1; invariants txt-1 and txt-2): an XHTML fragment without tricks.

Allowed are the formatting elements of HTML 4.0 (chapters 7-11 and 15), anchors, images and style
attributes; not scripts, forms, frames, event attributes, entities or a document type.
"""

from __future__ import annotations

from xml.parsers import expat

_NAMESPACE = "http://www.w3.org/1999/xhtml"
_XML = "http://www.w3.org/XML/1998/namespace"
_ELEMENTS = frozenset(
    [
        "a",
        "abbr",
        "acronym",
        "address",
        "area",
        "b",
        "bdo",
        "big",
        "blockquote",
        "br",
        "caption",
        "cite",
        "code",
        "col",
        "colgroup",
        "dd",
        "dfn",
        "div",
        "dl",
        "dt",
        "em",
        "h1",
        "h2",
        "h3",
        "h4",
        "h5",
        "h6",
        "hr",
        "i",
        "img",
        "kbd",
        "li",
        "map",
        "ol",
        "p",
        "pre",
        "q",
        "samp",
        "small",
        "span",
        "strong",
        "sub",
        "sup",
        "table",
        "tbody",
        "td",
        "tfoot",
        "th",
        "thead",
        "tr",
        "tt",
        "ul",
        "var",
    ]
)
_ATTRIBUTES = frozenset(
    [
        "title",
        "style",
        "class",
        "id",
        "idref",
        "lang",
        "dir",
        "accesskey",
        "tabindex",
        "span",
        "width",
        "align",
        "valign",
        "char",
        "charoff",
        "abbr",
        "axis",
        "headers",
        "scope",
        "rowspan",
        "colspan",
    ]
)
_OWN_ATTRIBUTES = {
    "a": frozenset(
        ["charset", "type", "name", "href", "hreflang", "rel", "rev", "shape", "coords"]
    ),
    "area": frozenset(["shape", "coords", "href", "nohref", "alt"]),
    "blockquote": frozenset(["cite"]),
    "q": frozenset(["cite"]),
    "img": frozenset(["src", "alt", "longdesc", "height", "width", "usemap", "ismap", "border"]),
    "map": frozenset(["name"]),
    "pre": frozenset(["space"]),
    "table": frozenset(["summary", "border", "frame", "rules", "cellspacing", "cellpadding"]),
    "td": frozenset(["nowrap"]),
}
_NONE: frozenset[str] = frozenset()
# The commonest narratives hold text only; this saves them the parser.
# Far beyond what any reader can follow, and well within what every XML parser takes.
_MAX_DEPTH = 100
_MAX_ELEMENTS = 100_000
_PLAIN_START = f'<div xmlns="{_NAMESPACE}">'
_PLAIN_END = "</div>"


class _Refused(Exception):
    """Not allowed in a narrative; its text says what."""


def problem(div: str) -> str | None:
    """What is wrong with a narrative, or None. Linear in its length."""
    if _is_plain(div):
        return None
    scanner = _Scanner()
    try:
        scanner.parser.Parse(div, True)
    except expat.ExpatError as error:
        return f"not well-formed XML: {expat.ErrorString(error.code)}"
    except _Refused as refused:
        return str(refused)
    except UnicodeEncodeError:
        return "half of a surrogate pair"
    return None if scanner.has_content else "no text and no image"


def _is_plain(div: str) -> bool:
    if not (div.startswith(_PLAIN_START) and div.endswith(_PLAIN_END)):
        return False
    inner = div[len(_PLAIN_START) : -len(_PLAIN_END)]
    return (
        inner.isprintable()
        and not inner.isspace()
        and not {"<", "&"} & set(inner)
        and "]]>" not in inner
    )


class _Scanner:
    """Watches the parser's events."""

    def __init__(self) -> None:
        self.has_content = False
        self.depth = 0
        self.elements = 0
        parser = expat.ParserCreate(namespace_separator=" ")
        parser.StartElementHandler = self.start
        parser.EndElementHandler = self.end
        parser.CharacterDataHandler = self.text
        parser.StartDoctypeDeclHandler = self.doctype
        parser.ProcessingInstructionHandler = self.instruction
        self.parser = parser

    def start(self, name: str, attributes: dict[str, str]) -> None:
        """Each start tag."""
        namespace, _, local = name.rpartition(" ")
        if namespace != _NAMESPACE:
            raise _Refused("elements must be in the namespace of XHTML")
        if self.depth == 0 and local != "div":
            raise _Refused("the root must be a div")
        self.elements += 1
        if self.elements > _MAX_ELEMENTS:
            raise _Refused(f"more than {_MAX_ELEMENTS} elements")
        self.depth += 1
        if self.depth > _MAX_DEPTH:
            raise _Refused(f"elements nested more than {_MAX_DEPTH} deep")
        if local not in _ELEMENTS:
            raise _Refused("an element that narratives may not use")
        own = _OWN_ATTRIBUTES.get(local, _NONE)
        if not all(_plain(a) in _ATTRIBUTES or _plain(a) in own for a in attributes):
            raise _Refused("an attribute that narratives may not use")
        if any(_is_script(value) for value in attributes.values()):
            raise _Refused("an attribute that runs a script")
        self.has_content = self.has_content or local == "img"

    def end(self, name: str) -> None:
        """Each end tag."""
        self.depth -= 1

    def text(self, data: str) -> None:
        """Each piece of text."""
        self.has_content = self.has_content or not data.isspace()

    def doctype(self, *_: object) -> None:
        """A document type would bring entities."""
        raise _Refused("a document type is not allowed")

    def instruction(self, *_: object) -> None:
        """Processing instructions address programs, not readers."""
        raise _Refused("a processing instruction is not allowed")


def _plain(attribute: str) -> str:
    """`xml:lang` is as good as `lang`; other namespaces stay, and match nothing."""
    return attribute.removeprefix(_XML + " ")


def _is_script(value: str) -> bool:
    # Browsers skip white space and control characters inside of a scheme.
    return "".join(value.split()).lower().startswith(("javascript:", "vbscript:"))
