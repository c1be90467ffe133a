"""The door: a resource held against what it claims, what is asked of it, what its codes mean."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice

from careplane.fhir.fhirpath import Node, root_node
from careplane.fhir.profiles.context import Context
from careplane.fhir.profiles.library import Library
from careplane.fhir.profiles.meaning import meaning_issues
from careplane.fhir.profiles.ports import (
    CodeChecker,
    NoCodes,
    NoResolver,
    Options,
    Resolver,
)
from careplane.fhir.profiles.walk import Walk
from careplane.fhir.tree import Tree
from careplane.kernel.errors import Issue, TooLarge

MAX_ISSUES = 1000
_STRICT = Options()
_NO_CODES = NoCodes()
_NO_RESOLVER = NoResolver()


def examine(
    tree: Tree,
    library: Library,
    profiles: Sequence[str] = (),
    *,
    codes: CodeChecker = _NO_CODES,
    resolver: Resolver = _NO_RESOLVER,
    options: Options = _STRICT,
) -> list[Issue]:
    """What is to be said of a resource beyond base validation, which has run before.

    The resource is held against `profiles`, and it and those in it against the profiles they claim.
    An issue says what, where, and by which element of which profile.
    """
    walk = Walk(Context(library, codes, resolver, options))
    found: dict[tuple[str, str, str], Issue] = {}
    try:
        for issue in islice(_issues(root_node(tree), profiles, walk), MAX_ISSUES):
            text = issue.text.partition(" (by ")[0]
            found.setdefault((issue.severity, text, issue.where), issue)
    except TooLarge as error:
        found["", error.text, ""] = Issue("error", "too-costly", error.text)
    return [*found.values(), *walk.context.troubles.values()]


def _issues(node: Node, profiles: Sequence[str], walk: Walk) -> Iterator[Issue]:
    for url in profiles:
        program = walk.program(url)
        if program is not None:
            yield from walk.conform(node, program)
        elif url not in walk.context.troubles:
            text = f"The profile {url} is not known here; install its package"
            yield Issue("error", "not-found", text, node.type)
    yield from meaning_issues(node, walk)
