"""Put nodes into an XML tree and take them out, and lose none of the text around them.

lxml keeps a text with the node before it (its `tail`), so that each move has to mind the text.
"""

from __future__ import annotations

from collections.abc import Callable

from lxml import etree


def append(target: etree._Element, content: etree._Element) -> None:
    """Put the children and text of `content` at the end of `target`."""
    _insert(target, len(target), content)


def prepend(target: etree._Element, content: etree._Element) -> None:
    """Put them before all that `target` holds."""
    first, target.text = target.text, None
    if len(content):
        content[-1].tail = (content[-1].tail or "") + (first or "") or None
    else:
        content.text = (content.text or "") + (first or "")
    _insert(target, 0, content)


def before(target: etree._Element, content: etree._Element) -> None:
    """Put them in front of `target`."""
    parent = _parent(target)
    _insert(parent, parent.index(target), content)


def after(target: etree._Element, content: etree._Element) -> None:
    """Put them behind `target`, before the text that follows it."""
    parent = _parent(target)
    following, target.tail = target.tail, None
    if len(content):
        content[-1].tail = (content[-1].tail or "") + (following or "") or None
    else:
        content.text = (content.text or "") + (following or "")
    _insert(parent, parent.index(target) + 1, content)


BESIDE = {"before": before, "after": after}
POSITIONS: dict[str, Callable[[etree._Element, etree._Element], None]] = {
    "append": append,
    "prepend": prepend,
    **BESIDE,
}


def replace(target: etree._Element, node: etree._Element) -> None:
    """Put `node` where `target` is."""
    node.tail = target.tail
    _parent(target).replace(target, node)


def remove(target: etree._Element) -> None:
    """Take `target` out; the text behind it stays."""
    parent = _parent(target)
    _add_text(parent, parent.index(target), target.tail)
    target.tail = None
    parent.remove(target)


def set_attribute(target: etree._Element, name: str, value: str | None) -> None:
    """Give an attribute a value; None takes it away."""
    if value is not None:
        target.set(name, value)
    elif name in target.attrib:
        del target.attrib[name]


def declare(target: etree._Element, prefix: str, space: str) -> etree._Element:
    """The same element with one more namespace declared, in its place; lxml cannot add one."""
    spaces = {**target.nsmap, prefix: space}
    twin = etree.Element(target.tag, dict(target.attrib), nsmap=spaces)  # type: ignore[arg-type,misc]
    twin.text, twin.tail = target.text, target.tail
    twin.extend(list(target))
    parent = target.getparent()
    if parent is not None:
        parent.replace(target, twin)
    return twin


def _insert(parent: etree._Element, index: int, content: etree._Element) -> None:
    _add_text(parent, index, content.text)
    for offset, node in enumerate(list(content)):
        parent.insert(index + offset, node)


def _add_text(parent: etree._Element, index: int, text: str | None) -> None:
    """Put a text before the child at `index`."""
    if not text:
        return
    if index:
        parent[index - 1].tail = (parent[index - 1].tail or "") + text
    else:
        parent.text = (parent.text or "") + text


def _parent(target: etree._Element) -> etree._Element:
    parent = target.getparent()
    assert parent is not None, "the root has no place to be spliced"
    return parent
