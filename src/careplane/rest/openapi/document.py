"""The document: every type, interaction, search parameter and operation that is offered.

It is made from `routes`, the registry of search parameters and the operations that the server was
given, so that it cannot say more or less (OpenAPI 3.1.0). `of(type)` is the part of one type.
"""

from __future__ import annotations

import gzip
import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache

from careplane import __version__
from careplane.fhir.codec import json
from careplane.fhir.definitions import RESOURCE_TYPES
from careplane.fhir.tree import Tree
from careplane.kernel.errors import NotFound
from careplane.rest.openapi import offered, parameters, parts
from careplane.rest.openapi.interactions import INTERACTIONS, operation, refusals
from careplane.rest.openapi.parameters import refs
from careplane.rest.openapi.parts import content, resource
from careplane.rest.operation import Operation
from careplane.search.compartments import COMPARTMENTS, compartment_types
from careplane.search.registry import Registry

SYSTEM = "Resource"
"""Names the part about the whole system."""
_SYSTEM = ("", "_search", "_history")
_TYPE = (
    "Type", "Type/_search", "Type/_history", "Type/id", "Type/id/_history", "Type/id/_history/vid",
)  # fmt: skip
_COMPARTMENT = ("Type/id/*", "Type/id/*/_search", "Type/id/Type", "Type/id/Type/_search")
_LEVELS = {"system": "/", "type": "/{type}/", "instance": "/{type}/{{id}}/"}
_ABOUT = (
    "FHIR R4 over HTTP. Every request but `/metadata` carries a bearer token. Every error is an "
    "OperationOutcome whose diagnostics say what to do. Bodies are FHIR JSON or XML, and may come "
    "as gzip. Numbers are decimals whose digits count: 1.00 comes back as 1.00. HEAD is answered "
    "where GET is."
)


@dataclass(frozen=True, slots=True)
class Document:
    """One document as it is served: its bytes, plain and compressed, and a digest of them."""

    plain: bytes
    packed: bytes
    digest: str


class OpenApi:
    """Makes each document once. `server` is the address of the FHIR interface."""

    def __init__(
        self, registry: Registry, operations: Sequence[Operation], server: str = "/fhir"
    ) -> None:
        self._registry = registry
        self._operations = tuple(operations)
        self._server = server
        self.whole = lru_cache(maxsize=1)(self._whole)
        self._part = lru_cache(maxsize=len(RESOURCE_TYPES))(self._of)

    def of(self, type: str) -> Document:
        """What concerns one type, or the whole system for `Resource`. Raises NotFound for what is
        no type."""
        if type != SYSTEM and type not in RESOURCE_TYPES:
            raise NotFound(f"{type[:64]!r} is not a FHIR R4 resource type.")
        return self._part(type)

    def _whole(self) -> Document:
        return _document(self.tree(RESOURCE_TYPES, system=True))

    def _of(self, type: str) -> Document:
        if type == SYSTEM:
            return _document(self.tree((), system=True))
        return _document(self.tree((type,), system=False))

    def tree(self, types: Iterable[str], *, system: bool) -> Tree:
        """The document of these types, with or without what concerns the whole system."""
        types = tuple(types)
        paths: Tree = self._of_system() if system else {}
        for type in types:
            paths |= self._of_type(type)
        return {
            "openapi": "3.1.0",
            "info": {"title": "Careplane FHIR R4", "version": __version__, "description": _ABOUT},
            "servers": [{"url": self._server}],
            "security": [{"bearer": []}],
            "tags": [{"name": name} for name in (("System",) if system else ()) + types],
            "paths": paths,
            "components": self._components(types),
        }

    def _components(self, types: Iterable[str]) -> Tree:
        known = parameters.shared()
        known |= parameters.searched("Resource", self._registry.of("Resource"))
        for type in types:
            known |= parameters.searched(type, self._registry.of(type))
        return {
            "securitySchemes": parts.SECURITY,
            "schemas": {type: resource(type) for type in types} | parts.schemas(),
            "parameters": known,
            "headers": parts.headers(),
            "responses": parts.responses(),
        }

    def _of_system(self) -> Tree:
        paths = {"/metadata": {"get": _metadata()}}
        for shape in _SYSTEM:
            paths[f"/{shape}"] = self._item(shape, "Resource", "System")
        for each in self._offered("system", None):
            paths[f"/${each.name}"] = offered.methods(each, "", "System")
        return paths

    def _of_type(self, type: str) -> Tree:
        paths: Tree = {}
        for shape in _TYPE:
            paths[_path(shape, type)] = self._item(shape, type, type)
        for level in ("type", "instance"):
            for each in self._offered(level, type):
                item = offered.methods(each, f"{type}{level.title()}", type)
                paths[f"{_LEVELS[level].format(type=type)}${each.name}"] = item | _placed(level)
        return paths | (self._of_compartment(type) if type in COMPARTMENTS else {})

    def _of_compartment(self, owner: str) -> Tree:
        paths: Tree = {}
        members: Tree = {"enum": sorted(compartment_types(owner))}
        member: Tree = {"name": "type", "in": "path", "required": True, "schema": members}
        for shape in _COMPARTMENT:
            item = self._item(shape, "Resource", owner)
            if "{type}" in _path(shape, owner):
                item["parameters"] = [*item["parameters"], member]
            paths[_path(shape, owner)] = item
        return paths

    def _offered(self, level: str, type: str | None) -> list[Operation]:
        return [each for each in self._operations if each.serves(level, type)]

    def _item(self, shape: str, type: str, tag: str) -> Tree:
        found = self._registry.of(type)
        searched = tuple(parameters.component(type, p) for p in found)
        name = _name(shape, tag)
        item: Tree = {
            method.lower(): operation(interaction, name, type, searched, tag)
            for method, interaction in INTERACTIONS[shape].items()
        }
        places = [each for each in ("id", "vid") if each in shape.split("/")]
        return item | ({"parameters": refs(*places)} if places else {})


def _placed(level: str) -> Tree:
    return {"parameters": refs("id")} if level == "instance" else {}


def _path(shape: str, type: str) -> str:
    """`Type/id/Type` -> `/Patient/{id}/{type}`."""
    named = {"id": "{id}", "vid": "{vid}", "Type": "{type}"}
    first, *others = shape.split("/")
    rest = [named.get(part, part) for part in others]
    return "/" + "/".join([type if first == "Type" else first, *rest])


def _name(shape: str, tag: str) -> str:
    """What tells the operations of one interaction apart: at which address, of which type."""
    _, *others = shape.split("/")
    words = {"id": "One", "*": "Compartment", "Type": "CompartmentType"}
    place = "".join(words.get(part, "") for part in others)
    return tag + (place if "_history" in others or "*" in others or "Type" in others else "")


def _metadata() -> Tree:
    answer = {"description": "As asked.", "content": content("CapabilityStatement")}
    return {
        "tags": ["System"],
        "operationId": "capabilities",
        "summary": "What this server does",
        "security": [],
        "parameters": refs("_format", "_pretty"),
        "responses": {"200": answer, **refusals()},
    }


def _document(tree: Tree) -> Document:
    plain = json.dump(tree)
    digest = hashlib.sha256(plain).hexdigest()[:16]
    return Document(plain, gzip.compress(plain, 6, mtime=0), digest)
