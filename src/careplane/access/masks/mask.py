"""A mask put on the tree of a resource: hidden elements gone, with all that would tell of them.

What an element holds shows in other places too, and these go with it: the `_name` sibling of a
primitive, the narrative, and contained resources to which nothing refers that is left. A masked
resource always carries the labels, so that they do not tell whether there was something to hide.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, TypeAlias

from careplane.access.masks.paths import Path, Paths
from careplane.fhir.definitions import is_resource
from careplane.fhir.tree import Tree

_VALUES = "http://terminology.hl7.org/CodeSystem/v3-ObservationValue"
REDACTED = {"system": _VALUES, "code": "REDACTED", "display": "redacted"}
SUBSETTED = {"system": _VALUES, "code": "SUBSETTED", "display": "subsetted"}
_LABELS = {"security": REDACTED, "tag": SUBSETTED}

Inner: TypeAlias = Callable[[str], Paths]
"""Type of a resource inside of another to what is hidden of it."""
_Trie: TypeAlias = dict[str, Any]


def masked(tree: Tree, hidden: Paths, inner: Inner) -> Tree:
    """The tree as somebody sees it from whom these elements are hidden; the tree itself where there
    is nothing to hide. Contained resources and entries of Bundles are seen by `inner`."""
    found: Tree = _nested(tree, inner)
    if not hidden and found is tree:
        return tree
    shown: Tree = _without(found, trie(hidden))
    shown.pop("text", None)
    shown.pop("_text", None)
    _keep_contained(shown)
    return labelled(shown, _LABELS)


def labelled(tree: Tree, labels: dict[str, Tree]) -> Tree:
    """With labels in meta: which list of it, and the coding."""
    meta = tree.get("meta", {})
    more = {name: [*meta.get(name, ()), label] for name, label in labels.items()}
    return {**tree, "meta": {**meta, **more}}


def unlabelled(tree: Tree, like: Tree) -> Tree:
    """Without the labels of a mask that `like`, the tree that is stored, does not have."""
    meta = dict(tree.get("meta", {}))
    for name, label in _LABELS.items():
        mine = [one for one in meta.get(name, ()) if one != label]
        mine += [one for one in like.get("meta", {}).get(name, ()) if one == label]
        meta.pop(name, None)
        meta |= {name: mine} if mine else {}
    rest = {name: value for name, value in tree.items() if name != "meta"}
    return rest | ({"meta": meta} if meta else {})


def trie(paths: Paths) -> _Trie:
    """JSON name -> the trie of what is hidden within; empty: all of it."""
    found: _Trie = {}
    for path in sorted(paths, key=len):
        _add(found, path)
    return found


def _add(trie: _Trie, path: Path) -> None:
    for name in path[:-1]:
        inside = trie.get(name)
        if inside is not None and not inside:
            return  # the whole of it is hidden
        trie = trie.setdefault(name, {})
    trie[path[-1]] = {}


def _without(value: Any, hidden: _Trie) -> Any:
    if isinstance(value, list):
        parts = [_without(part, hidden) for part in value]
        return [part for part in parts if part != {}]
    if not isinstance(value, dict):
        return value
    kept: Tree = {}
    for name, inside in value.items():
        deeper = hidden.get(name.removeprefix("_"))
        if deeper is None:
            kept[name] = inside
        elif deeper and name[0] != "_":
            left = _without(inside, deeper)
            if left not in ({}, []):
                kept[name] = left
    return kept


def _nested(value: Any, inner: Inner) -> Any:
    """With the resources inside masked; the same object where none is."""
    if isinstance(value, list):
        parts = [_nested_one(part, inner) for part in value]
        return value if all(a is b for a, b in zip(parts, value, strict=True)) else parts
    if not isinstance(value, dict):
        return value
    changed = {
        name: part for name, old in value.items() if (part := _nested_one(old, inner)) is not old
    }
    return {**value, **changed} if changed else value


def _nested_one(value: Any, inner: Inner) -> Any:
    if isinstance(value, dict) and is_resource(str(value.get("resourceType", ""))):
        return masked(value, inner(value["resourceType"]), inner)
    return _nested(value, inner)


def _keep_contained(tree: Tree) -> None:
    """Only contained resources that something refers to which is left."""
    held = tree.pop("contained", None)
    if not isinstance(held, list):
        return
    reached: set[str] = set()
    edge = {*fragments(tree)}
    while edge:
        reached |= edge
        more = [one for one in held if isinstance(one, dict) and one.get("id") in edge]
        edge = {name for one in more for name in fragments(one)} - reached
    kept = [one for one in held if isinstance(one, dict) and one.get("id") in reached]
    if kept:
        tree["contained"] = kept


def fragments(value: Any) -> Iterator[str]:
    """The ids of contained resources that are referred to."""
    if isinstance(value, list):
        for part in value:
            yield from fragments(part)
    elif isinstance(value, dict):
        for part in value.values():
            yield from fragments(part)
    elif isinstance(value, str) and value.startswith("#") and len(value) > 1:
        yield value[1:]
