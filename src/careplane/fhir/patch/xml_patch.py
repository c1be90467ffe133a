"""XML Patch on the XML form of a resource (FHIR R4, 3.1.0.7 patch; RFC 5261).

Operations `add`, `replace` and `remove` on elements, attributes, text and comments. The root of a
patch may have any name (`diff` in the RFC's examples, `patch` in the FHIR suite).
"""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from typing import Any, cast

from lxml import etree

from careplane.fhir.codec import xml
from careplane.fhir.patch import splice
from careplane.fhir.patch.bounds import check_cost, check_count
from careplane.fhir.patch.selector import BadSelector, select
from careplane.fhir.patch.wording import masked
from careplane.fhir.tree import Tree
from careplane.kernel.errors import Invalid, Malformed

# The node that was selected and the operation -> the element that now stands for it, if another.
_Operation = Callable[[Any, etree._Element], "etree._Element | None"]
_NAMESPACE = "namespace::"


class _Refused(Exception):
    """An operation that cannot be done; its text says why."""


def apply(tree: Tree, raw: bytes) -> Tree:
    """What the patch makes of the tree, which stays as it was.

    Raises Malformed for what is no patch, Invalid where an operation cannot be done or the outcome
    is no resource, TooLarge.
    """
    root = apply_to_document(xml.parse_document(xml.dump(tree)), raw)
    # Through bytes, so that the outcome is held to every rule for XML that comes from outside.
    return xml.parse(etree.tostring(root, encoding="utf-8"))


def apply_to_document(root: etree._Element, raw: bytes) -> etree._Element:
    """The same on XML of any kind; the document that was handed over stays as it was."""
    patch = xml.parse_document(raw)
    operations = [child for child in patch if isinstance(child.tag, str)]
    if not operations:
        raise Malformed("The patch has no operations.")
    check_count(len(operations))
    looks = sum(1 + operation.get("sel", "").count("[") for operation in operations)
    check_cost(looks, sum(1 for _ in root.iter()))
    root = deepcopy(root)
    for index, operation in enumerate(operations):
        root = _step(root, index, operation)
    return root


def _step(root: etree._Element, index: int, operation: etree._Element) -> etree._Element:
    name = str(etree.QName(operation).localname)
    run = _OPERATIONS.get(name)
    if run is None:
        raise Malformed(f"Operation {index}: <{name[:64]}> is none of {', '.join(_OPERATIONS)}.")
    selector = operation.get("sel")
    if not selector:
        raise Malformed(f"Operation {index} ({name}) has no 'sel'.")
    called = f"Operation {index} ({name} {masked(selector)})"
    try:
        twin = run(_one(root, selector, operation), operation)
    except BadSelector as error:
        raise Malformed(f"{called}: the selector is refused; {error}.") from None
    except _Refused as error:
        raise Invalid(f"{called}: {error}.") from None
    return twin if twin is not None and twin.getparent() is None else root


def _one(root: etree._Element, selector: str, operation: etree._Element) -> Any:
    """The one node that a selector must find (RFC 5261, 4.1)."""
    spaces = {prefix or "": space for prefix, space in operation.nsmap.items()}
    found = select(root, selector, spaces)
    if not found:
        raise _Refused("nothing found there")
    if len(found) > 1:
        raise _Refused(f"{len(found)} nodes found there, where one must be")
    return found[0]


def _add(target: Any, operation: etree._Element) -> etree._Element | None:
    """RFC 5261, 4.3."""
    kind = operation.get("type", "")
    position = operation.get("pos", "append")
    beside = not kind and position in splice.BESIDE
    if not isinstance(target, etree._Element) or (
        isinstance(target, etree._Comment) and not beside
    ):
        raise _Refused("only to an element something can be added")
    if kind.startswith("@"):
        splice.set_attribute(target, _attribute_name(kind[1:], operation), _text(operation))
    elif kind.startswith(_NAMESPACE):
        return _declare(target, kind.removeprefix(_NAMESPACE), _text(operation))
    elif kind:
        raise _Refused("'type' must be '@' and an attribute, or 'namespace::' and a prefix")
    elif position not in splice.POSITIONS:
        raise _Refused(f"'pos' must be one of {', '.join(splice.POSITIONS)}")
    elif beside and target.getparent() is None:
        raise _Refused("nothing can stand beside the root")
    else:
        splice.POSITIONS[position](target, deepcopy(operation))
    return None


def _declare(target: etree._Element, prefix: str, space: str) -> etree._Element:
    try:
        return splice.declare(target, prefix, space)
    except ValueError:
        raise _Refused("that is no prefix, or no namespace, to declare") from None


def _replace(target: Any, operation: etree._Element) -> None:
    """RFC 5261, 4.4."""
    if not isinstance(target, etree._Element):
        _set_string(target, _text(operation))
        return
    if target.getparent() is None:
        raise _Refused("the resource itself cannot be replaced")
    if len(operation) != 1 or isinstance(target, etree._Comment) != isinstance(
        operation[0], etree._Comment
    ):
        raise _Refused("it must hold one node of the kind that it replaces")
    splice.replace(target, deepcopy(operation[0]))


def _remove(target: Any, operation: etree._Element) -> None:
    """RFC 5261, 4.5."""
    if not isinstance(target, etree._Element):
        _set_string(target, None)
    elif target.getparent() is None:
        raise _Refused("the resource itself cannot be removed")
    else:
        splice.remove(target)


_OPERATIONS: dict[str, _Operation] = {"add": _add, "replace": _replace, "remove": _remove}


def _set_string(target: Any, text: str | None) -> None:
    """Give an attribute or a text another value, or none."""
    parent = cast("etree._Element", target.getparent())
    if target.is_attribute:
        splice.set_attribute(parent, target.attrname, text)
    elif target.is_tail:
        parent.tail = text
    else:
        parent.text = text


def _attribute_name(name: str, operation: etree._Element) -> str:
    prefix, colon, local = name.rpartition(":")
    space = operation.nsmap.get(prefix) if colon else None
    if colon and space is None:
        raise _Refused("the prefix of the attribute is not declared")
    full = f"{{{space}}}{local}" if space else local
    try:
        etree.QName(full)
    except ValueError:
        raise _Refused("'type' holds no name of an attribute") from None
    return full


def _text(operation: etree._Element) -> str:
    if len(operation):
        raise _Refused("it must hold text only")
    return operation.text or ""
