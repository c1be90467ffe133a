"""Extensions held against their definitions, wherever they stand (FHIR R4, 2.5 Extensibility)."""

from __future__ import annotations

import re
from collections.abc import Iterator

from careplane.fhir.fhirpath import Node
from careplane.fhir.profiles.contexts import misplaced
from careplane.fhir.profiles.places import place
from careplane.fhir.profiles.rules import Program, Rule
from careplane.fhir.profiles.walk import Walk
from careplane.kernel.errors import Issue

_IS_ABSOLUTE = re.compile(r"[A-Za-z][A-Za-z0-9+.\-]*:").match
_MODIFIER = "modifierExtension"


def extension_issues(node: Node, walk: Walk) -> Iterator[Issue]:
    """What is wrong with an extension: with its definition, its place, its content."""
    url = node.value.get("url")
    if not isinstance(url, str) or node.parent is None:
        return
    if not _IS_ABSOLUTE(url):
        yield from _inner(node, url, walk)
        return
    if "|" in url:
        text = "The URL of an extension has no version"
        yield Issue("error", "extension", text, place(node))
    program = walk.program(url)
    if program is None:
        yield from _unknown(node, url, walk)
        return
    if program.type != "Extension":
        text = f"{url} does not define an extension"
        yield Issue("error", "extension", text, place(node))
        return
    yield from _known(node, node.parent, program, walk)


def _known(node: Node, host: Node, program: Program, walk: Walk) -> Iterator[Issue]:
    modifies = _modifies(program, walk)
    if modifies and node.name != _MODIFIER:
        text = f"The extension {program.url} modifies: it must stand in modifierExtension"
        yield Issue("error", "extension", text, place(node))
    elif not modifies and node.name == _MODIFIER:
        text = f"The extension {program.url} does not modify: it must stand in extension"
        yield Issue("error", "extension", text, place(node))
    reason = misplaced(host, program.definition, walk.environment)
    if reason:
        text = f"The extension {program.url} {reason}"
        yield Issue("error", "extension", text, place(host))
    yield from walk.conform(node, program)


def _modifies(program: Program, walk: Walk) -> bool:
    tree = walk.context.library.snapshots.of(program.url)
    return tree is not None and tree.definition.get("isModifier") is True


def _unknown(node: Node, url: str, walk: Walk) -> Iterator[Issue]:
    options = walk.context.options
    severity = options.unknown_extensions
    if node.name == _MODIFIER:
        severity = "error"
    if severity is None or url.startswith(options.extension_domains or ("\0",)):
        return
    text = f"The extension {_clipped(url)} is not known here; install the package that defines it"
    yield Issue(severity, "extension", text, place(node))


def _inner(node: Node, url: str, walk: Walk) -> Iterator[Issue]:
    """A part of a complex extension, which the definition around it has to list."""
    names, outer = [url], node.parent
    while outer is not None and outer.type == "Extension":
        name = str(outer.value.get("url"))
        if _IS_ABSOLUTE(name):
            program = walk.program(name)
            if program is not None and not _is_listed(program.root, list(reversed(names))):
                text = f"The extension {program.url} has no part {_clipped(url)}"
                yield Issue("error", "extension", text, place(node))
            return
        names.append(name)
        outer = outer.parent


def _is_listed(rule: Rule, names: list[str]) -> bool:
    for name in names:
        holder = rule.children.get("extension")
        found = [s for s in holder.slices if _is_part(s, name)] if holder is not None else []
        if not found:
            return False
        rule = found[0]
    return True


def _is_part(slice: Rule, name: str) -> bool:
    stated = slice.children.get("url")
    fixed = stated.fixed if stated is not None else None
    return bool(name == (fixed if fixed is not None else slice.slice_name))


def _clipped(url: str) -> str:
    return url if len(url) <= 200 else f"{url[:200]}…"
