"""Additional bindings (the extension additional-binding of the tools guide): each asks for what
its purpose says, in the contexts of use that it names."""

from __future__ import annotations

from collections.abc import Iterator

from careplane.fhir.fhirpath import Node
from careplane.fhir.profiles.coded import binding_issues
from careplane.fhir.profiles.fixed import matches
from careplane.fhir.profiles.ports import CodeChecker
from careplane.fhir.profiles.rules import Bound, Rule
from careplane.kernel.errors import Issue

_ASKING = frozenset({"required", "maximum", "extensible", "conformance"})


def additional_issues(node: Node, rule: Rule, codes: CodeChecker) -> Iterator[Issue]:
    """What further bindings say, where they ask for something and are meant for this resource."""
    for bound in rule.additional:
        if bound.purpose in _ASKING and _is_meant(node, bound):
            yield from binding_issues(
                node, bound, codes, f" (an additional binding of {rule.source})"
            )


def _is_meant(node: Node, bound: Bound) -> bool:
    """A usage names a code of the context and a value that the resource has to state."""
    if not bound.usage:
        return True
    root = node.resource().value
    stated = root.get("useContext")
    given = stated if isinstance(stated, list) else []
    return all(any(matches(one, usage) for one in given) for usage in bound.usage)
