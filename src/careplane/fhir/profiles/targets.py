"""References: target types and profiles, aggregation, versioning (ElementDefinition.type)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Protocol

from careplane.fhir.definitions import is_resource
from careplane.fhir.fhirpath import Node
from careplane.fhir.profiles.context import Context
from careplane.fhir.profiles.places import place
from careplane.fhir.profiles.reached import Reach, Target
from careplane.fhir.profiles.rules import Program, TypeRule
from careplane.kernel.errors import Issue

_CORE = "http://hl7.org/fhir/StructureDefinition/"
_ANY = _CORE + "Resource"


class Walking(Protocol):
    """What references need of the walk."""

    @property
    def context(self) -> Context:
        """Options, and what references point to."""

    @property
    def reach(self) -> Reach:
        """What references point to."""

    def conforms(self, node: Node, profile: str) -> bool:
        """Whether a resource conforms to a profile."""

    def program(self, canonical: str) -> Program | None:
        """The program of a canonical."""


def reference_issues(
    node: Node, types: Sequence[TypeRule], walk: Walking, by: str
) -> Iterator[Issue]:
    """What is wrong with the target of a Reference."""
    target = walk.reach.target(node)
    if target is None:
        return
    if target.how == "contained" and target.node is None:
        text = "The reference is to a contained resource that is not here"
        yield Issue("error", "not-found", text, place(node))
        return
    aggregation = frozenset().union(*(t.aggregation for t in types))
    if aggregation and target.how not in aggregation:
        text = f"The reference is {target.how}; allowed is {', '.join(sorted(aggregation))}{by}"
        yield Issue("error", "structure", text, place(node))
    yield from _versioned(node, types, by)
    urls = [_plain(u) for t in types for u in t.targets]
    if not urls or _ANY in urls:
        return
    fitting = [u for u in urls if _is_for(u, target.type, walk)]
    if target.type and is_resource(target.type) and not fitting:
        names = ", ".join(u.removeprefix(_CORE) for u in urls)
        text = f"The reference is to a {target.type}; allowed is {names}{by}"
        yield Issue("error", "structure", text, place(node))
        return
    yield from _conforming(node, target, fitting, walk, by)


def _conforming(
    node: Node, target: Target, urls: list[str], walk: Walking, by: str
) -> Iterator[Issue]:
    if target.node is None or (
        target.how == "referenced" and walk.context.options.references != "valid"
    ):
        return
    resource = target.node
    if any(url.startswith(_CORE) and is_resource(url.removeprefix(_CORE)) for url in urls):
        return
    if urls and not any(walk.conforms(resource, url) for url in urls):
        text = f"What the reference points to conforms to none of {', '.join(urls)}{by}"
        yield Issue("error", "structure", text, place(node))


def _versioned(node: Node, types: Sequence[TypeRule], by: str) -> Iterator[Issue]:
    wanted = {t.versioning for t in types}
    has_version = "/_history/" in str(node.value.get("reference"))
    if wanted == {"specific"} and not has_version:
        yield Issue("error", "structure", f"The reference must name a version{by}", place(node))
    elif wanted == {"independent"} and has_version:
        yield Issue("error", "structure", f"The reference must not name a version{by}", place(node))


def _plain(url: str) -> str:
    """A type of R4 without the version of R4 (`...|4.0.1`); there is no other here."""
    plain = url.partition("|")[0]
    return plain if plain.startswith(_CORE) and _names_a_type(plain) else url


def _names_a_type(url: str) -> bool:
    name = url.removeprefix(_CORE)
    return name == "Resource" or is_resource(name)


def _is_for(url: str, type_name: str, walk: Walking) -> bool:
    if not type_name:
        return True
    if url.startswith(_CORE) and is_resource(url.removeprefix(_CORE)):
        return url.removeprefix(_CORE) == type_name
    program = walk.program(url)
    return program is None or program.type == type_name
