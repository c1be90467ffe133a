"""From bytes to XML elements, safely (FHIR R4, 2.1.3.2 XML; OWASP: XML entities).

FHIR needs neither document types nor entities, so none are read: a DOCTYPE ends the reading before
the parser sees it. Encoding, size and depth are bounded, nothing is ever fetched.
"""

from __future__ import annotations

import re

from lxml import etree

from careplane.kernel.errors import CareplaneError, Issue, Malformed, TooLarge

MAX_BYTES = 10 << 20
_BOM = b"\xef\xbb\xbf"
_DECLARATION = re.compile(rb"<\?xml\s[^>]{0,200}?\?>")
_ENCODING = re.compile(rb"""\sencoding\s*=\s*["']([^"']*)["']""")
_UTF8 = {b"utf-8", b"utf8", b"us-ascii"}
_SPACE = re.compile(rb"\s*")
_PLACE = re.compile(r",? line \d+, column \d+.*", re.DOTALL)
_TOO_MUCH = ("Excessive depth", "Resource limit", "huge", "HUGE")


def parse_document(raw: bytes, *, trusted: bool = False) -> etree._Element:
    """The root element. Raises Malformed or TooLarge, with a line and a column.

    `trusted` takes any size and depth, for what has been let in before.
    """
    if len(raw) > MAX_BYTES and not trusted:
        raise TooLarge(f"The XML has {len(raw)} bytes; at most {MAX_BYTES} are taken.")
    raw = raw.removeprefix(_BOM)
    _check_encoding(raw)
    _check_prolog(raw)
    try:
        root = etree.fromstring(raw, _parser(trusted))
    except etree.XMLSyntaxError as error:
        raise _syntax(error) from None
    _check_rim(root)
    return root


def _parser(trusted: bool) -> etree.XMLParser:
    return etree.XMLParser(
        encoding="utf-8",
        resolve_entities=False,
        load_dtd=False,
        no_network=True,
        huge_tree=trusted,
    )


def _check_encoding(raw: bytes) -> None:
    """UTF-8 and nothing else, so that what is searched for below is what the parser will read."""
    try:
        raw.decode()
    except UnicodeDecodeError as error:
        raise Malformed(f"XML must be encoded in UTF-8; byte {error.start} is not.") from None
    if b"\0" in raw:
        raise Malformed("XML may not hold NUL.")


def _check_prolog(raw: bytes) -> None:
    """Everything before the root element: UTF-8 if anything, comments, and no DOCTYPE."""
    declaration = _DECLARATION.match(raw)
    at = 0
    if declaration is not None:
        at = declaration.end()
        encoding = _ENCODING.search(declaration.group())
        if encoding is not None and encoding.group(1).lower() not in _UTF8:
            raise Malformed("XML must be encoded in UTF-8; the declaration names another encoding.")
    while True:
        at = _SPACE.match(raw, at).end()  # type: ignore[union-attr]  # it matches nothing, too
        if not raw.startswith(b"<!--", at):
            break
        end = raw.find(b"-->", at + 4)
        if end < 0:
            break
        at = end + 3
    if raw.startswith(b"<!DOCTYPE", at):
        raise Malformed("A DOCTYPE is not allowed: FHIR uses neither document types nor entities.")
    if raw.startswith(b"<?", at):
        raise Malformed("Processing instructions are not allowed.")


def _check_rim(root: etree._Element) -> None:
    for sibling in root.itersiblings():
        if isinstance(sibling, etree._ProcessingInstruction):
            raise Malformed("Processing instructions are not allowed.")


def _syntax(error: etree.XMLSyntaxError) -> CareplaneError:
    line, column = error.position
    said = str(error)
    if any(mark in said for mark in _TOO_MUCH):
        text = f"The XML is nested too deeply or holds too long a value (line {line})."
        return TooLarge(text)
    text = f"Not well-formed XML at line {line}, column {column}: {_PLACE.sub('', said)}."
    return Malformed(text, issues=(Issue("fatal", "structure", text),))
