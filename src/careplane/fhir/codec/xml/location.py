"""Where an XML element stands, as FHIRPath: found only once something is wrong with it."""

from __future__ import annotations

from lxml import etree

from careplane.fhir.codec.xml.shape import Shape, Step, shape
from careplane.fhir.definitions import is_resource


def location(node: etree._Element) -> str:
    """`Bundle.entry[3].resource.name[0].given[1]` for `<given>` in an entry's patient."""
    chain = [*reversed(list(node.iterancestors())), node]
    path = local(chain[0])
    known = _known(path)
    step: Step | None = None
    for element in chain[1:]:
        name = local(element)
        if step is not None and step.kind == "resource":
            step, known = None, _known(name)
            continue
        step = known.tags.get(str(element.tag)) if known else None
        path += f".{step.element if step else name}"
        if step and step.many:
            path += f"[{sum(1 for _ in element.itersiblings(element.tag, preceding=True))}]"
        known = shape(step.type) if step and step.kind != "resource" else None
    return path


def local(node: etree._Element) -> str:
    """The name of an element without its namespace; what a comment or text is, otherwise."""
    return str(etree.QName(node).localname) if isinstance(node.tag, str) else "comment()"


def _known(name: str) -> Shape | None:
    return shape(name) if is_resource(name) else None
