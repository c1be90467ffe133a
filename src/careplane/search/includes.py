"""`_include` and `_revinclude`: what else belongs into the answer (FHIR R4, 3.1.1.5.4). Pure.

The door asks round by round what is wanted after what it has found, and fetches it: the first round
starts from the page, the later ones, of `:iterate`, from what the round before has added.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence, Set
from dataclasses import dataclass

from careplane.search.match import Subject
from careplane.search.plan import (
    Coding,
    Node,
    Nothing,
    Query,
    Reference,
    Token,
    Uri,
    UriMode,
    all_of,
    any_of,
)
from careplane.search.registry import Parameter, Registry
from careplane.search.rows import Param

MAX_ROUNDS = 8
"""How often `:iterate` goes on."""
MAX_INCLUDED = 10_000
"""How many resources the rounds of one page may add; a door says so when it stops there."""


@dataclass(frozen=True, slots=True)
class Include:
    """One `_include` or `_revinclude`: the reference parameters of `source` (None: any type) that
    are followed (None: all), to resources of the types `targets` (None: any)."""

    source: str | None
    params: frozenset[Param] | None
    targets: frozenset[str] | None
    iterate: bool = False


@dataclass(frozen=True, slots=True)
class Wanted:
    """What to fetch: resources by key, and searches whose whole answer is wanted."""

    keys: frozenset[tuple[str, str]] = frozenset()
    queries: tuple[Query, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.keys or self.queries)


def wanted(
    registry: Registry,
    includes: Sequence[Include],
    revincludes: Sequence[Include],
    found: Sequence[Subject],
    seen: Set[tuple[str, str]],
    *,
    first: bool,
) -> Wanted:
    """What the includes add to the resources found last. `seen` are all that are there already,
    those found last among them; `first` tells that they are the matches of the page."""
    forward = [i for i in includes if first or i.iterate]
    backward = [i for i in revincludes if first or i.iterate]
    keys = frozenset(key for i in forward for key in _keys(i, found)) - seen
    return Wanted(
        keys, (*_canonicals(registry, forward, found), *_referring(registry, backward, found))
    )


def _keys(include: Include, found: Iterable[Subject]) -> Iterator[tuple[str, str]]:
    for subject in found:
        if include.source in (None, subject.type):
            for row in subject.rows.references:
                if _follows(include, row.param) and _reaches(include, row.type):
                    yield row.type, row.id


def _follows(include: Include, param: Param) -> bool:
    return include.params is None or param in include.params


def _reaches(include: Include, type: str) -> bool:
    return include.targets is None or type in include.targets


def _canonicals(
    registry: Registry, includes: Sequence[Include], found: Sequence[Subject]
) -> Iterator[Query]:
    """Canonical references are found by `url`, and by `version` where they name one."""
    urls: defaultdict[str, set[str]] = defaultdict(set)
    for include in includes:
        for subject in found if include.params and include.targets else ():
            for row in subject.rows.uris:
                if include.source in (None, subject.type) and _follows(include, row.param):
                    for target in include.targets or ():
                        urls[target].add(row.value)
    for target, values in sorted(urls.items()):
        where = any_of(*(_canonical(registry, target, url) for url in sorted(values)))
        if where != Nothing():
            yield Query(frozenset({target}), where)


def _canonical(registry: Registry, target: str, canonical: str) -> Node:
    url = registry.lookup(target, "url")
    if url is None or url.type != "uri":
        return Nothing()
    plain, _, version = canonical.partition("|")
    node = Uri(url.param, UriMode.EXACT, (plain,))
    versions = registry.lookup(target, "version")
    if not version or versions is None:
        return node
    return all_of(node, Token(versions.param, (Coding(None, version, any_system=True),)))


def _referring(
    registry: Registry, includes: Sequence[Include], found: Sequence[Subject]
) -> Iterator[Query]:
    keys = [(s.type, s.id) for s in found]
    for include in includes:
        if include.source:
            parameters = registry.references(include.source)
            nodes = (_refers(include, p, keys) for p in parameters if _follows(include, p.param))
            where = any_of(*dict.fromkeys(nodes))
            if where != Nothing():
                yield Query(frozenset({include.source}), where)


def _refers(include: Include, parameter: Parameter, keys: Iterable[tuple[str, str]]) -> Node:
    reached = parameter.targets if include.targets is None else include.targets
    here = frozenset(key for key in keys if key[0] in reached)
    return Reference(parameter.param, here) if here else Nothing()
