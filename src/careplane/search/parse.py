"""From the parameters of a search to a plan and what the answer shall look like (FHIR R4, 3.1.1).

Nothing is dropped in silence: a parameter that is not known is refused under strict handling, and
named in `unknown` otherwise; a bad value, or a modifier that is not offered, is always refused.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache
from urllib.parse import unquote_plus

from msgspec import Struct

from careplane.fhir.analytes import Masses
from careplane.fhir.definitions import is_resource
from careplane.kernel.errors import Issue, Malformed, TooLarge
from careplane.search import filter
from careplane.search.contained import Contained, ContainedType
from careplane.search.criteria import Budget, node
from careplane.search.criterion import Setting, UnknownParameter, invalid, shown, unknown
from careplane.search.includes import Include
from careplane.search.molar import widened
from careplane.search.plan import Node, Query, all_of
from careplane.search.results import READERS, Results, Summary, Total, check_contained

Pair = tuple[str, str]
MAX_PAIRS = 500
MAX_LENGTH = 1_000_000
"""Characters of all keys and values together."""
MAX_VALUES = 10_000
"""Alternatives of all criteria together."""
_SHORT = 200
DEFAULT_COUNT = 50
_DEFAULT = ("_contained", "false")
NEUTRAL = frozenset({"_format", "_pretty"})
"""They change how an answer is written; whoever writes it reads them."""


class Search(Struct, frozen=True):
    """A search, understood. `understood` are the parameters that were carried out, for the self
    link; parsed again they give the same search."""

    query: Query
    includes: tuple[Include, ...] = ()
    revincludes: tuple[Include, ...] = ()
    summary: Summary = Summary.FALSE
    elements: tuple[str, ...] = ()
    total: Total | None = None
    contained: Contained = Contained.FALSE
    contained_type: ContainedType = ContainedType.CONTAINER
    unknown: tuple[Issue, ...] = ()
    understood: tuple[Pair, ...] = ()

    @property
    def only_count(self) -> bool:
        """Whether no resource is wanted, just how many there are."""
        return self.summary is Summary.COUNT or self.query.count == 0


def parse(
    setting: Setting,
    types: Iterable[str],
    pairs: Sequence[Pair],
    *,
    strict: bool = False,
    contained: bool = False,
) -> Search:
    """Read decoded parameters, in their order. `types` are those of the address; none for all.
    `contained`: whether the caller can carry out a search over contained resources."""
    _check(pairs)
    reading = _Reading(setting, frozenset(types), strict, contained)
    return reading.search(pairs)


def criteria(setting: Setting, type: str, query: str) -> Node:
    """The node of a query string, percent-encoded as in HTTP, that has only criteria: for
    conditional interactions, conditional references and scopes. Always strict."""
    search = parse(setting, (type,), parse_query(query), strict=True)
    asked = {key for key, value in search.understood if (key, value) != _DEFAULT} & READERS.keys()
    if asked:
        key = min(asked)
        raise invalid(key, "this is about an answer, and here are only criteria")
    return search.query.where


def parse_query(query: str) -> list[Pair]:
    """The pairs of a query string, decoded, in their order."""
    if len(query) > 3 * MAX_LENGTH:
        raise TooLarge("The query is too long.")
    fields = query.split("&", 2 * MAX_PAIRS)
    if len(fields) > 2 * MAX_PAIRS:
        raise Malformed(f"The query has more than {2 * MAX_PAIRS} fields.")
    pairs = [field.partition("=") for field in fields if field]
    if "%" not in query and "+" not in query:
        return [(name, value) for name, _, value in pairs]
    try:
        return [(_decoded(name), _decoded(value)) for name, _, value in pairs]
    except ValueError:
        raise Malformed("The query is not percent-encoded UTF-8.") from None


def _decoded(text: str) -> str:
    return _remembered(text) if len(text) <= _SHORT else unquote_plus(text, errors="strict")


@lru_cache(maxsize=4096)
def _remembered(text: str) -> str:
    """Codes and systems, which come again and again."""
    return unquote_plus(text, errors="strict")


def _check(pairs: Sequence[Pair]) -> None:
    if len(pairs) > MAX_PAIRS:
        raise TooLarge(f"A search has at most {MAX_PAIRS} parameters.")
    length = commas = 0
    for key, value in pairs:
        length += len(key) + len(value)
        commas += value.count(",")
    if length > MAX_LENGTH:
        raise TooLarge(f"The parameters of a search have at most {MAX_LENGTH} characters.")
    if commas >= MAX_VALUES:
        raise TooLarge(f"The parameters of a search have at most {MAX_VALUES} values.")


class _Reading:
    """One search on its way: criteria and results, and what was understood of it."""

    def __init__(
        self, setting: Setting, types: frozenset[str], strict: bool, contained: bool
    ) -> None:
        self._setting = setting
        self._types = types
        self._strict = strict
        self._contained = contained
        self._budget = Budget()
        self._nodes: list[Node] = []
        self._unknown: list[Issue] = []
        self._understood: list[Pair] = []

    def search(self, pairs: Sequence[Pair]) -> Search:
        for key, value in pairs:
            if key == "_type":
                self._narrow(key, value)
        results = Results(self._setting, self._types)
        for key, value in pairs:
            self._pair(results, key, value)
        where = widened(all_of(*self._nodes), self._masses)
        check_contained(results, where, offered=self._contained)
        count = DEFAULT_COUNT if results.count is None else results.count
        exact = results.total not in (None, Total.NONE) or results.summary is Summary.COUNT
        return Search(
            Query(
                self._types,
                where,
                tuple(results.sort),
                count,
                total=exact or count == 0,
            ),
            tuple(results.includes),
            tuple(results.revincludes),
            results.summary or Summary.FALSE,
            tuple(results.elements),
            results.total,
            results.contained or Contained.FALSE,
            results.contained_type or ContainedType.CONTAINER,
            tuple(self._unknown),
            tuple(self._understood),
        )

    def _pair(self, results: Results, key: str, value: str) -> None:
        if key in NEUTRAL or key == "_type":
            return
        try:
            if not value:
                raise unknown(key, "it has no value")
            read = READERS.get(key)
            if read:
                value = read(results, key, value)
            elif key == filter.KEY:
                self._nodes.append(filter.node(self._types, value, self._setting, self._budget))
            else:
                self._nodes.append(node(self._types, key, value, self._setting, self._budget))
            self._understood.append((key, value))
        except UnknownParameter as error:
            if self._strict:
                raise
            text = f"{error.text}; it was left out"
            self._unknown.append(Issue("warning", error.code, text, shown(key)))

    def _masses(self) -> Masses:
        """None for whom codes are hidden from: what is found would tell of them."""
        hides = self._setting.registry.hides
        hidden = any(hides("Observation", code) for code in ("code", "component-code"))
        return Masses() if hidden else self._setting.masses()

    def _narrow(self, key: str, value: str) -> None:
        types = frozenset(value.split(","))
        if not all(map(is_resource, types)):
            raise invalid(key, "write names of resource types with commas between them")
        if self._types and not types <= self._types:
            raise invalid(key, "these types are not searched at this address")
        self._types = types
        self._understood.append((key, value))
