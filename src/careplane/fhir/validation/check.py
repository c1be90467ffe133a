"""From bytes to a resource that is known to be valid, or to all that is wrong with it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any

import msgspec

from careplane.fhir.codec import envelope, json
from careplane.fhir.definitions import is_resource
from careplane.fhir.structs import Struct, decoder
from careplane.fhir.tree import Tree
from careplane.fhir.validation import advice, constraints, fast, walk
from careplane.fhir.validation.forms import InSet, Resolve
from careplane.kernel.errors import Fault, Invalid, Issue

MAX_ISSUES = 1000


@dataclass(frozen=True, slots=True)
class Checked:
    """A valid resource. `raw` are the client's bytes as they came."""

    type: str
    id: str | None
    struct: Struct
    raw: bytes

    @property
    def rest(self) -> bytes:
        """What the store keeps of the client's bytes, see `codec.envelope`."""
        minified = msgspec.json.format(self.raw, indent=-1)
        struct: Any = self.struct
        return envelope.split_known(minified, self.type, self.id, struct.meta is not None)


def check(raw: bytes, type: str | None = None) -> Checked:
    """The resource in these bytes, of the given type if one is given.

    Raises Malformed for what is not JSON, and Invalid with an issue for each error that is found.
    """
    struct = fast.accept(raw)
    if struct is None:
        struct = _look_closer(raw)
    name = struct.__class__.__name__
    if type is not None and name != type:
        text = f"Expected a resource of type {type}, found {name}"
        raise Invalid(text, issues=(Issue("error", "invalid", text, name),))
    given: Any = struct
    return Checked(name, given.id, struct, raw)


def _nowhere(_: str) -> None:
    return None


def _untold(*_: str) -> None:
    return None


def problems(tree: Tree, resolve: Resolve = _nowhere, in_set: InSet = _untold) -> list[Issue]:
    """What `$validate` has to say about a resource: structure, invariants, and rules of the text
    that are told but keep nothing out (see `advice`).

    `resolve` finds resources by their canonical URLs: the questionnaire of a response; `in_set`
    tells whether a code that answers it is in a value set.
    A resource with more than MAX_ISSUES is not worth reading to its end.
    """
    return list(islice(_problems(tree, advice.rules(resolve, in_set)), MAX_ISSUES))


def errors(tree: Tree) -> list[Issue]:
    """What keeps a resource out of the store: errors of structure and broken invariants."""
    return list(islice(_problems(tree, constraints.no_rules, warnings=False), MAX_ISSUES))


def _problems(tree: Tree, rules: constraints.Rules, *, warnings: bool = True) -> Iterator[Issue]:
    yield from walk.structural_problems(tree)
    name = tree.get("resourceType")
    if isinstance(name, str) and is_resource(name):
        yield from constraints.broken_invariants(tree, rules, warnings=warnings)


def _look_closer(raw: bytes) -> Struct:
    tree = json.parse(raw)
    wrong = tuple(errors(tree))
    if wrong:
        name = tree.get("resourceType")
        what = name if isinstance(name, str) and fast.type_of(raw) == name else "resource"
        raise Invalid(f"This {what} is not valid R4", issues=wrong)
    try:
        return decoder(tree["resourceType"]).decode(raw)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        # The two paths disagree: better an error of ours than a resource nobody can read.
        raise Fault("The resource could not be read") from None
