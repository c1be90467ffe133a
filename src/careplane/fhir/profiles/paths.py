"""Discriminator paths: from an item to the elements meant, and from a slice to its rules for them
(the restricted FHIRPath of ElementDefinition.slicing.discriminator.path)."""

from __future__ import annotations

import re
from collections.abc import Iterator

from careplane.fhir.definitions import is_resource
from careplane.fhir.fhirpath import Node
from careplane.fhir.profiles.finding import Conforming
from careplane.fhir.profiles.rules import Rule, TypeRule

_CORE = "http://hl7.org/fhir/StructureDefinition/"
_STEP = re.compile(
    r"""(?P<name>[$A-Za-z]\w*)(?:\(\s*['"]?(?P<argument>[^'")]*)['"]?\s*\))?(?:\.|$)"""
)


def steps(path: str) -> list[tuple[str, str | None]]:
    """`a.extension('u').resolve()` -> [(a, None), (extension, u), (resolve, '')]. Empty for a path
    that is none, and for `$this`."""
    found, at = [], 0
    while at < len(path):
        step = _STEP.match(path, at)
        if step is None:
            return []
        if step["name"] != "$this":
            found.append((step["name"], step["argument"]))
        at = step.end()
    return found


def nodes(item: Node, path: str, walk: Conforming) -> list[Node]:
    """The elements at a path from an item; what cannot be resolved is there by its type alone."""
    found = [item]
    for name, argument in steps(path):
        found = [one for node in found for one in _step(node, name, argument, walk)]
    return found


def _step(node: Node, name: str, argument: str | None, walk: Conforming) -> list[Node]:
    if argument is None:
        return _children(node, name)
    if name == "resolve":
        target = walk.reach.target(node) if node.type == "Reference" else None
        if target is None:
            return []
        if target.node is not None:
            return [target.node]
        known = is_resource(target.type)
        return [Node({"resourceType": target.type}, target.type)] if known else []
    if name == "extension":
        return [one for one in node.child("extension") if one.value.get("url") == argument]
    if name == "ofType":
        return [node] if node.type == argument else []
    return []


def _children(node: Node, name: str) -> list[Node]:
    found = node.child(name)
    if found or not name[-1:].isalpha():
        return found
    # `valueCodeableConcept` is not FHIRPath, and is written all the same
    stem = re.match(r"[a-z]+", name)
    if stem is None or stem.group() == name:
        return found
    rest = name[stem.end() :]
    return [one for one in node.child(stem.group()) if one.type.lower() == rest.lower()]


def rules(slice: Rule, path: str, walk: Conforming) -> list[Rule]:
    """What a slice says of the element at a path: its own rules, and those of its profile."""
    found = [slice]
    for name, argument in steps(path):
        found = [one for rule in found for one in _below(rule, name, argument, walk)]
    return found


def _below(rule: Rule, name: str, argument: str | None, walk: Conforming) -> list[Rule]:
    if name == "resolve" and argument is not None:
        return [_of_targets(rule, walk)]
    if name == "ofType":
        return [rule, *(s for s in rule.slices if any(t.code == argument for t in s.types))]
    found = []
    for owner in (rule, *_of_profiles(rule, walk)):
        if name == "extension" and argument is not None:
            holder = owner.children.get("extension")
            slices = holder.slices if holder is not None else ()
            found += [s for s in _all(slices) if any(argument in t.profiles for t in s.types)]
        else:
            found += _of_value(owner, name)
            child = owner.children.get(name)
            if child is not None:
                found.append(child)
                # a choice of one type is written as its one slice
                is_one = len(child.slices) == 1 and child.slices[0].slice_name.startswith(name)
                found += [s for s in child.slices if is_one or s.min]
    return found


def _of_value(rule: Rule, name: str) -> Iterator[Rule]:
    """What a fixed value or pattern says of an element in it."""
    for value in (rule.fixed, rule.pattern):
        inner = value.get(name) if isinstance(value, dict) else None
        for one in inner if isinstance(inner, list) else [inner]:
            if one is not None:
                yield Rule(name, rule.source, pattern=one)


def _all(slices: tuple[Rule, ...]) -> Iterator[Rule]:
    for one in slices:
        yield one
        yield from _all(one.slices)


def _of_profiles(rule: Rule, walk: Conforming) -> list[Rule]:
    profiles = [p for t in rule.types for p in t.profiles]
    if len(profiles) != 1:
        return []
    program = walk.program(profiles[0])
    return [program.root] if program is not None else []


def _of_targets(rule: Rule, walk: Conforming) -> Rule:
    """The resource that a reference points to, as an element with types and profiles."""
    types = []
    for url in (u for t in rule.types for u in t.targets):
        if url.startswith(_CORE) and is_resource(url.removeprefix(_CORE)):
            types.append(TypeRule(url.removeprefix(_CORE)))
            continue
        program = walk.program(url)
        if program is not None:
            types.append(TypeRule(program.type, (url,)))
    resolved = Rule("resource", rule.source, types=tuple(types))
    if len(types) == 1 and types[0].profiles:
        program = walk.program(types[0].profiles[0])
        resolved.children = program.root.children if program is not None else {}
    return resolved
