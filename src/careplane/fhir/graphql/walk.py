"""From a query and the resources it is about to the graph of the answer (R4, graphql.html).

A pure function: what is not known yet is collected as `wanted` and left out. Who calls fetches it
and walks again, until nothing is wanted; each round reaches one reference or search further, and
fetches all of them together.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias

from careplane.fhir.definitions import is_resource
from careplane.fhir.graphql.asks import Ask, ById, Page
from careplane.fhir.graphql.limits import Budget
from careplane.fhir.graphql.merging import Merging
from careplane.fhir.graphql.navigation import Navigation
from careplane.fhir.graphql.output import Output
from careplane.fhir.graphql.query import Field, Selection, many
from careplane.fhir.graphql.references import contained, target
from careplane.fhir.graphql.schema import CONNECTION, QUERY, Member, member
from careplane.fhir.graphql.searching import search_of
from careplane.fhir.tree import Tree
from careplane.kernel.errors import NotFound

Known: TypeAlias = Mapping[Ask, Tree | Page | None]
"""What was fetched; None for a resource that is not there, or not for this caller."""


def walk(
    selections: tuple[Selection, ...],
    focus: Tree | None,
    known: Known,
    budget: Budget,
    base: str = "",
) -> tuple[Tree, tuple[Ask, ...]]:
    """The graph as far as it is known, and what is wanted for the rest. `focus` is the resource in
    focus, None at the level of the system; `base` is the address of this server."""
    walking = _Walk(known, budget, base)
    out = Output()
    if focus is None:
        for field in walking.merging.fields(QUERY, selections):
            walking.root(field, out)
    else:
        place = _Place(focus, out)
        walking.fields(focus, str(focus["resourceType"]), selections, place)
    return out.tree(), tuple(walking.wanted)


class _Place:
    """Where a walk stands: in which resource, and where its values go, under which suffix; whether
    `@flatten` above made lists of them."""

    __slots__ = ("listed", "out", "resource", "suffix")

    def __init__(self, resource: Tree, out: Output, listed: bool = False, suffix: str = "") -> None:
        self.resource = resource
        self.out = out
        self.listed = listed
        self.suffix = suffix


class _Walk:
    """One round."""

    def __init__(self, known: Known, budget: Budget, base: str) -> None:
        self._known = known
        self._budget = budget
        self._base = base
        self._navigation = Navigation(budget)
        self.merging = Merging()
        self.wanted: dict[Ask, None] = {}

    def root(self, field: Field, out: Output) -> None:
        """A field of the system: a resource by id, or a search."""
        found = member(QUERY, field.name)
        assert found is not None
        place = _Place({}, out)
        if found.kind == "name":
            out.add(field.key, QUERY, "string", False)
        elif found.kind == "search":
            self._search(field, None, place)
        else:
            tree = self._resource(ById(field.name, str(field.argument("id", "_id"))))
            if tree is None:
                raise NotFound(f"There is no such {field.name}.")
            if tree:
                self._values(field, [tree], found, place)

    def fields(
        self, value: Tree, type: str, selections: tuple[Selection, ...], place: _Place
    ) -> None:
        """The fields of one object, into the place."""
        for field in self.merging.fields(type, selections):
            self._budget.spend()
            found = member(type, field.name)
            if found is None:  # of another of the types that may stand here
                continue
            if found.kind == "name":
                place.out.add(field.key + place.suffix, type, "string", place.listed)
            elif found.kind == "resolve":
                self._resolve(field, value, place)
            elif found.kind == "search":
                self._search(field, value, place)
            elif (raw := value.get(field.name)) is not None:
                items = raw if isinstance(raw, list) else [raw]
                if not found.is_leaf:
                    items = self._navigation.elements(field, items, found.types[0], place.resource)
                elif field.first:
                    items = items[:1]
                self._values(field, items, found, place)
                if raw == []:  # no element of FHIR, but the edges of a Connection
                    _empty(field, found, place)

    def _values(
        self,
        field: Field,
        items: list[Any],
        found: Member,
        place: _Place,
        within: Tree | None = None,
    ) -> None:
        """Values into the place. `within` is the resource that contains them, where it is not to be
        seen from them."""
        self._budget.spend(len(items))
        several = found.repeats or place.listed
        is_list = several and not field.singleton
        for index, item in enumerate(items):
            type = _type_of(item, found)
            suffix = place.suffix + self._navigation.suffix(
                field, item, index, type, place.resource
            )
            key = field.key + suffix
            if found.is_leaf or not isinstance(item, dict):
                place.out.add(key, item, type, is_list)
                continue
            resource = within or _resource_of(field, item, place)
            if field.flatten:
                inner = _Place(resource, place.out, several, suffix)
                self.fields(item, type, field.selections, inner)
            else:
                inner = _Place(resource, Output())
                self.fields(item, type, field.selections, inner)
                place.out.add(key, inner.out.tree(), type, is_list)

    def _resource(self, ask: ById) -> Tree | None:
        """A resource; None where there is none, empty where it is wanted first."""
        if ask not in self._known:
            self.wanted[ask] = None
            return {}
        found = self._known[ask]
        assert not isinstance(found, Page)
        return found

    def _resolve(self, field: Field, reference: Tree, place: _Place) -> None:
        types = many(field.argument("type"))
        ask = target(reference, self._base)
        if ask is not None and types and ask.type not in types:
            return
        tree = contained(reference, place.resource) if ask is None else self._resource(ask)
        if tree is None:
            if field.argument("optional") is True:
                return
            raise NotFound(
                f"A reference in {place.resource['resourceType']} cannot be resolved; "
                "ask with resource(optional: true) to leave such ones out."
            )
        if tree and not (types and tree["resourceType"] not in types):
            found = Member("resolve", (tree["resourceType"],))
            self._values(field, [tree], found, place, place.resource if ask is None else None)

    def _search(self, field: Field, focus: Tree | None, place: _Place) -> None:
        if focus is not None and (focus is not place.resource or "id" not in focus):
            return  # nothing refers to a contained resource from outside
        ask = search_of(field, focus)
        if ask not in self._known:
            self.wanted[ask] = None
            return
        page = self._known[ask]
        assert isinstance(page, Page)
        trees = self._navigation.matching(field, list(page.resources), ask.type, None)
        if ask.whole:
            trees = trees[:1] if field.first else trees
            several = Member("search", (ask.type,), True)
            self._values(field, trees, several, place)
            if not trees:
                _empty(field, several, place)
        else:
            tree = _connection(page, trees)
            self._values(field, [tree], Member("search", (ask.type + CONNECTION,)), place)


def _empty(field: Field, found: Member, place: _Place) -> None:
    """A search that found nothing has an empty list; what an element does not have is left out."""
    if not (field.flatten or field.singleton):
        place.out.empty(field.key + place.suffix, found.types[0])


def _connection(page: Page, trees: list[Tree]) -> Tree:
    return {
        "count": page.count,
        "offset": page.offset,
        "pagesize": page.pagesize,
        "edges": [{"mode": "match", "resource": tree} for tree in trees],
        "first": page.first,
        "previous": page.previous,
        "next": page.next,
        "last": page.last,
    }


def _type_of(item: Any, found: Member) -> str:
    """The type of a value; a resource says it itself."""
    if len(found.types) > 1 and isinstance(item, dict):
        return str(item.get("resourceType", found.types[0]))
    return found.types[0]


def _resource_of(field: Field, item: Tree, place: _Place) -> Tree:
    """The resource that an element stands in: itself, if it is one that is not contained."""
    own = field.name != "contained" and is_resource(item.get("resourceType", ""))
    return item if own else place.resource
