"""What is typed, as the XHTML of a narrative (R4 2.4), and back: lines and paragraphs, no more.

A narrative that others wrote is read as its text: lists and tables become lines.
"""

from __future__ import annotations

import re
from typing import Any

from careplane.fhir.tree import Tree

XHTML = "http://www.w3.org/1999/xhtml"
_PARAGRAPH = re.compile(r"\n[ \t]*\n\s*")
_UNSEEN = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]|[\ud800-\udfff]")
_BLOCKS = frozenset(
    ["p", "div", "li", "tr", "h1", "h2", "h3", "h4", "h5", "h6", "dt", "dd", "pre", "blockquote"]
)
_LONG_GAP = re.compile(r"\n{3,}")


def tidy(text: str) -> str:
    """What was typed, with the line ends of one kind, nothing that XML cannot hold, and no empty
    lines around it."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    lines = (line.rstrip() for line in _UNSEEN.sub("", text).split("\n"))
    return "\n".join(lines).strip("\n")


def narrative(text: str) -> Tree:
    """A Narrative with a paragraph for each block of lines."""
    inner = "".join(f"<p>{_lines(block)}</p>" for block in _PARAGRAPH.split(tidy(text)))
    return {"status": "additional", "div": f'<div xmlns="{XHTML}">{inner}</div>'}


def text_of(narrative: Tree) -> str:
    """The text of a Narrative."""
    from lxml import etree  # with the first note

    parser = etree.XMLParser(resolve_entities=False, no_network=True, remove_comments=True)
    try:
        root = etree.fromstring(str(narrative.get("div", "")).encode(), parser)
    except etree.XMLSyntaxError:
        return ""
    said: list[str] = []
    _walk(root, said)
    return _LONG_GAP.sub("\n\n", "".join(said)).strip()


def _lines(block: str) -> str:
    return "<br/>".join(map(_escaped, block.split("\n")))


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _walk(node: Any, said: list[str]) -> None:
    name = str(node.tag).rpartition("}")[2]
    said.append(_spaced(node.text))
    for child in node:
        _walk(child, said)
        said.append(_spaced(child.tail))
    if name == "br":
        said.append("\n")
    elif name == "p":
        said.append("\n\n")
    elif name in ("td", "th"):
        said.append("\t")
    elif name in _BLOCKS:
        said.append("\n")


def _spaced(text: str | None) -> str:
    """A line end in the source of XHTML is a space."""
    return re.sub(r"[ \t]*\n[ \t]*", " ", text or "")
