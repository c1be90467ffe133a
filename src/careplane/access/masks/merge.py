"""A change that somebody made to what they see, brought to what is stored.

A patch is applied to the masked tree, so neither its tests nor its paths can ask of what is hidden.
What it may change is what it sees whole; elements that are masked, in part or wholly, stay as they
are, and so do those that a rule of R4 ties to a masked one, or whether the rule holds would tell.
"""

from __future__ import annotations

import re
from functools import cache

from careplane.access.masks.mask import fragments, unlabelled
from careplane.access.masks.paths import Paths
from careplane.fhir.definitions import type_definition
from careplane.fhir.tree import Tree
from careplane.kernel.errors import Forbidden, Issue

_SIDE = frozenset({"text", "contained"})
_OF_CONTAINED = frozenset({"meta"})
"""Rules speak of the meta of what is contained (dom-4, dom-5); that of a resource is shown."""
_NAME = re.compile(r"[A-Za-z]\w*")


def merged(stored: Tree, seen: Tree, after: Tree, hidden: Paths) -> Tree:
    """The stored tree with the change from `seen` to `after`. Raises Forbidden where it touches
    what is not seen whole."""
    type = str(stored["resourceType"])
    guarded = guarded_of(type, hidden)
    _refers_to_seen(type, seen, after)
    after = unlabelled(after, stored)
    found: Tree = {}
    for name in dict.fromkeys((*stored, *after)):
        base = name.removeprefix("_")
        if base in guarded or (name != "meta" and stored.get(name) != seen.get(name)):
            if after.get(name) != seen.get(name):
                raise _untouchable(type, base)
            if name in stored:
                found[name] = stored[name]
        elif name in after:
            found[name] = after[name]
    return found


@cache
def guarded_of(type: str, hidden: Paths) -> frozenset[str]:
    """The members of a resource that may not be changed by whom these are hidden from."""
    definition = type_definition(type)
    masked = {path[0] for path in hidden}
    names: dict[str, set[str]] = {}
    for json, (element, _) in definition.json_names.items():
        names.setdefault(element.name, set()).add(json)
    tied = set(masked)
    for rule in definition.invariants:
        told = {json for word in _NAME.findall(rule.expression) for json in names.get(word, ())}
        if told & masked:
            tied |= told - _OF_CONTAINED
    # Of a choice only one may be there: another type of it would say that this one is.
    for spellings in names.values():
        if spellings & masked:
            tied |= spellings
    return frozenset(tied) | _SIDE


def _refers_to_seen(type: str, seen: Tree, after: Tree) -> None:
    """What is contained shows where something refers to it that does: so nothing may be made to."""
    if not frozenset(fragments(after)) <= frozenset(fragments(seen)):
        text = "A patch of this caller may not refer to contained resources anew."
        raise Forbidden(text, issues=(Issue("error", "forbidden", text, f"{type}.contained"),))


def _untouchable(type: str, name: str) -> Forbidden:
    text = (
        f"A patch of this caller may not touch {type}.{name}: it is masked for this caller, wholly "
        "or in part, or goes with what is."
    )
    return Forbidden(text, issues=(Issue("error", "forbidden", text, f"{type}.{name}"),))
