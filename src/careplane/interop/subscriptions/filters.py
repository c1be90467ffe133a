"""Filters of a subscription: `Encounter?patient=Patient/1&class=IMP`, checked against its topic and
read with the search parameters of the type (backport 1.1, Filter Criteria).

A filter is decided upon by one change alone, so that a write never waits for a search: criteria
that look at other resources (chains, `_has`) are refused.
"""

from __future__ import annotations

import re

from careplane.fhir.definitions import is_resource
from careplane.interop.subscriptions.elements import wrong
from careplane.interop.subscriptions.topic import Topic
from careplane.kernel.errors import CareplaneError, Invalid, Unsupported
from careplane.search.criterion import Setting
from careplane.search.parse import criteria, parse_query
from careplane.search.plan import And, Chain, Composite, Everything, Has, Node, Not, Or, all_of

WHERE = "Subscription.criteria.extension"
MOST = 50
_COMPARATOR = re.compile(r"(eq|ne|gt|lt|ge|le|sa|eb|ap)[0-9]")


def nodes_of(setting: Setting, topic: Topic, filters: tuple[str, ...]) -> dict[str, Node]:
    """What changes of each type of the topic must match. Raises Invalid or Unsupported."""
    if len(filters) > MOST:
        raise wrong(f"A subscription has at most {MOST} filters.", WHERE)
    found: dict[str, Node] = {type: Everything() for type in sorted(topic.types)}
    for text in filters:
        named, mark, query = text.partition("?")
        if not mark:
            named, query = "", text
        for type in [named] if named else list(found):
            if type not in found:
                shown = type if is_resource(type) else "this type"
                raise wrong(f"The topic tells nothing of {shown}.", WHERE)
            _check(topic, type, query)
            found[type] = all_of(found[type], node_of(setting, type, query))
    return found


def node_of(setting: Setting, type: str, query: str) -> Node:
    """Criteria on one resource, or Invalid or Unsupported."""
    try:
        node = criteria(setting, type, query)
    except CareplaneError as error:
        raise Invalid(f"A filter of {type}: {error.text}") from error
    if _looks_around(node):
        raise Unsupported("Filters and criteria look at one resource: no chains, no _has.")
    return node


def _check(topic: Topic, type: str, query: str) -> None:
    if topic.filters is None:
        return
    offered = {**topic.filters.get("", {}), **topic.filters.get(type, {})}
    for key, value in parse_query(query):
        name, _, modifier = key.partition(":")
        allowed = offered.get(name)
        if allowed is None:
            raise wrong(f"The topic cannot be filtered by this parameter of {type}.", WHERE)
        compared = _COMPARATOR.match(value)
        used = modifier or (compared[1] if compared else "")
        if used and used != "eq" and used not in allowed.modifiers:
            raise wrong(f"The topic does not allow this modifier for {name[:64]}.", WHERE)


def _looks_around(node: Node) -> bool:
    match node:
        case Chain() | Has():
            return True
        case And(parts) | Or(parts):
            return any(map(_looks_around, parts))
        case Not(part):
            return _looks_around(part)
        case Composite(_, where):
            return _looks_around(where)
    return False
