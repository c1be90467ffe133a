"""What a reference points to: a contained resource, an entry of the Bundle around, or what the
caller can get (FHIR R4, 2.3.0 References; 2.36.4.1 Resolving references in Bundles)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from careplane.fhir.definitions import is_resource
from careplane.fhir.fhirpath import Node, root_node
from careplane.fhir.profiles.ports import Resolver

How = Literal["contained", "bundled", "referenced"]
_RESTFUL = re.compile(
    r"(?P<base>https?://.+/)?(?P<type>[A-Z][A-Za-z]+)/(?P<id>[A-Za-z0-9\-.]{1,64})"
    r"(?:/_history/(?P<version>[A-Za-z0-9\-.]{1,64}))?"
).fullmatch


@dataclass(frozen=True, slots=True)
class Target:
    """What was found: the resource, None where it cannot be had; how it is referred to; its type
    as far as anybody says it, else empty."""

    node: Node | None
    how: How
    type: str


class Reach:
    """Finds targets for the references of one examination."""

    def __init__(self, resolver: Resolver) -> None:
        self._resolver = resolver
        self._entries: dict[int, dict[str, list[Node]]] = {}
        self._outside: dict[str, Node | None] = {}

    def target(self, reference: Node) -> Target | None:
        """The target of a Reference, None for one that holds no literal reference."""
        text = reference.value.get("reference") if isinstance(reference.value, dict) else None
        if not isinstance(text, str) or not text:
            return None
        stated = reference.value.get("type")
        return self.literal(reference, text, stated if isinstance(stated, str) else "")

    def literal(self, node: Node, text: str, stated: str = "") -> Target:
        """The target of a literal reference that stands at a node."""
        if text.startswith("#"):
            found = self._contained(node, text[1:])
            return Target(found, "contained", found.type if found is not None else stated)
        inside = self.bundled(node, text)
        if inside:
            return Target(inside[0], "bundled", inside[0].type)
        named = _RESTFUL(text.partition("?")[0])
        type_name = named.group("type") if named and is_resource(named.group("type")) else stated
        outside = self._fetched(text)
        if outside is not None:
            type_name = outside.type
        return Target(outside, "referenced", type_name)

    def bundled(self, node: Node, text: str) -> list[Node]:
        """The entries of the Bundle around that a reference means by the rules of fullUrl."""
        bundle, entry = _around(node)
        if bundle is None:
            return []
        by_url = self._known(bundle)
        named = _RESTFUL(text)
        if named is None or named.group("base"):
            return by_url.get(text.partition("/_history/")[0], [])
        short = f"{named.group('type')}/{named.group('id')}"
        full = entry.value.get("fullUrl") if entry is not None else None
        own = _RESTFUL(full) if isinstance(full, str) else None
        if own and own.group("base"):
            return by_url.get(own.group("base") + short, [])
        return []

    def _known(self, bundle: Node) -> dict[str, list[Node]]:
        found = self._entries.get(id(bundle.value))
        if found is None:
            found = {}
            for entry in bundle.child("entry"):
                url = entry.value.get("fullUrl")
                if isinstance(url, str):
                    found.setdefault(url, []).extend(entry.child("resource"))
            self._entries[id(bundle.value)] = found
        return found

    def _contained(self, node: Node, wanted: str) -> Node | None:
        root = node.root()
        if not wanted:
            return root
        inside = (one for one in root.child("contained") if one.value.get("id") == wanted)
        return next(inside, None)

    def _fetched(self, text: str) -> Node | None:
        if text not in self._outside:
            tree = self._resolver.resolve(text)
            self._outside[text] = None if tree is None else root_node(tree)
        return self._outside[text]


def _around(node: Node) -> tuple[Node | None, Node | None]:
    """The nearest Bundle around, and the entry of it that the node stands in."""
    entry = None
    for one in node.ancestors():
        if one.type == "Bundle.entry":
            entry = one
        if one.type == "Bundle" and entry is not None:
            return one, entry
    return None, None
