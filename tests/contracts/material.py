"""Resources, rows and plans for the contract suite: a small world, so that things meet."""

from __future__ import annotations

import math
from typing import Any

import msgspec
from hypothesis import strategies as st

from careplane.search import plan
from careplane.search.fold import fold
from careplane.search.plan import Node, Prefix, Query, SortBy, SortKey, TextMode, UriMode
from careplane.search.rows import (
    BEGINNING,
    END,
    NARRATIVE,
    OTHER,
    CanonicalQuantity,
    CompositeRow,
    DateRow,
    NumberRow,
    Param,
    QuantityRow,
    ReferenceRow,
    Rows,
    StringRow,
    TokenRow,
    UriRow,
    WordsRow,
    of_type,
    part,
    text_of,
)
from careplane.search.words import BREAK
from careplane.storage.ports.records import Put

TYPES = ("Patient", "Observation", "Group")
IDS = (
    "1",
    "2",
    "a",
    "A",
    "018f428e-34f6-4707-8009-5ad742f901e7",
    "018F428E-34f6-4707-8009-5ad742f901e7",
)
SYSTEMS = (None, "http://loinc.org", "http://snomed.info/sct")
CODES = (
    "1",
    "01",
    "8480-6",
    "431855005",
    "final",
    "Final",
    "d2c1a5f0-0000-4000-8000-00000000000a",
    "x" * 70,
    "",
    "-1",
    "9" * 30,
    "ü",
)
TEXTS = ("", "a", "ab", "abc", "b%", "b_", "ABC", "zürich", "\U0010ffff", "a\U0010ffff", "y" * 90)
URIS = (
    "http://a",
    "http://a/",
    "http://a/b",
    "http://a/b|1",
    "http://a/bc",
    "urn:oid:1.2",
    "http://a%/b",
)
CODE, STATUS = Param("Observation.code"), Param("Observation.status")
TAG = Param("Resource._tag")
NAME, SUBJECT, MEMBER = Param("Patient.name"), Param("Observation.subject"), Param("Group.member")
DATE, BIRTH = Param("Observation.date"), Param("Patient.birthdate")
URL, PROBABILITY = Param("Resource._profile"), Param("Observation.probability")
VALUE, PAIR = Param("Observation.value-quantity"), Param("Observation.code-value-quantity")
NEAR = Param("Location.near")
DEGREES = (0.0, 0.5, 45.0, 89.9, -89.9, -45.25)
DAY = 86_400_000_000
MOMENTS = (BEGINNING, 0, 1, DAY, DAY + 1, 2 * DAY, 40 * DAY, 400 * DAY, 5000 * DAY, END)
FIGURES = (-math.inf, -1.5, 0.0, 1.0, 1.0000000001, 2.0, 1e30, math.inf)

tokens = st.builds(
    TokenRow,
    st.sampled_from([CODE, STATUS, TAG, of_type(CODE)]),
    st.sampled_from(SYSTEMS),
    st.sampled_from(CODES),
)
strings = st.sampled_from(TEXTS).flatmap(
    lambda text: st.builds(
        StringRow, st.sampled_from([NAME, text_of(CODE)]), st.just(fold(text)), st.just(text)
    )
)
references = st.builds(
    ReferenceRow, st.sampled_from([SUBJECT, MEMBER]), st.sampled_from(TYPES), st.sampled_from(IDS)
)
uris = st.builds(UriRow, st.sampled_from([URL, SUBJECT]), st.sampled_from(URIS))


def _span(low_high: tuple[int, int]) -> tuple[int, int]:
    low, high = sorted(low_high)
    low, high = (low if low < END else 0), (high if high > BEGINNING else 0)  # no date is out there
    return (low, high) if low < high else (low, low + 1)


moments = st.sampled_from(MOMENTS) | st.integers(0, 3 * DAY)
spans = st.tuples(moments, moments).map(_span)
figures = st.sampled_from(FIGURES) | st.floats(-10, 10, allow_nan=False)
ranges = st.tuples(figures, figures).map(lambda pair: (min(pair), max(pair))) | figures.map(
    lambda value: (value, value)
)
dates = st.builds(lambda param, span: DateRow(param, *span), st.sampled_from([DATE, BIRTH]), spans)
numbers = st.builds(lambda r: NumberRow(PROBABILITY, *r), ranges) | st.builds(
    lambda side, degrees: NumberRow(part(NEAR, side), degrees, degrees),
    st.sampled_from([0, 1]),
    st.sampled_from(DEGREES),
)
canonicals = st.none() | st.builds(
    lambda r, unit: CanonicalQuantity(*r, unit), ranges, st.sampled_from(["g", "m"])
)
quantities = st.builds(
    lambda r, system, code, canonical: QuantityRow(VALUE, *r, system, code, canonical),
    ranges,
    st.sampled_from([None, "http://unitsofmeasure.org"]),
    st.sampled_from([None, "g", "kg", "tablet"]),
    canonicals,
)

WORDS = ("a", "ab", "abc", "abcd", "b", "zürich", "糖", "and", "9" * 64, "\U0010330f", BREAK)
_texts = st.lists(st.sampled_from(WORDS), max_size=6).map(" ".join)
words = st.just([]) | st.tuples(_texts, _texts).map(
    lambda two: [WordsRow(NARRATIVE, two[0]), WordsRow(OTHER, two[1])]
)


def _few(rows: st.SearchStrategy[Any]) -> st.SearchStrategy[list[Any]]:
    return st.lists(rows, max_size=3)


def _as_part(index: int) -> Any:
    return lambda row: row._replace(param=part(PAIR, index))


composites = st.builds(
    lambda code, value, date: CompositeRow(PAIR, Rows(tokens=code, quantities=value, dates=date)),
    st.lists(tokens.map(_as_part(0)), max_size=2),
    st.lists(quantities.map(_as_part(1)), max_size=2),
    st.lists(dates.map(_as_part(2)), max_size=1),
)
rows = st.builds(
    Rows,
    _few(tokens),
    _few(strings),
    _few(references),
    _few(uris),
    _few(dates),
    _few(numbers),
    _few(quantities),
    _few(composites),
    words,
)

keys = st.tuples(st.sampled_from(TYPES), st.sampled_from(IDS))
types = st.frozensets(st.sampled_from(TYPES), max_size=2)
prefixes = st.sampled_from(Prefix)


def _span_of(prefix: Prefix) -> st.SearchStrategy[Any]:
    return st.tuples(st.just(prefix), spans)


def _range_of(prefix: Prefix) -> st.SearchStrategy[Any]:
    wide = prefix in (Prefix.EQ, Prefix.NE, Prefix.AP)
    return st.tuples(st.just(prefix), ranges if wide else figures.map(lambda value: (value, value)))


dated = prefixes.flatmap(_span_of)
numbered = prefixes.flatmap(_range_of)
codings = st.builds(
    plan.Coding, st.sampled_from(SYSTEMS), st.sampled_from([None, *CODES])
) | st.builds(plan.Coding, st.none(), st.sampled_from(CODES), st.just(True))
token_nodes = st.builds(
    plan.Token,
    st.sampled_from([CODE, STATUS, TAG, of_type(CODE), Param("Observation.unheard")]),
    st.lists(codings, min_size=1, max_size=3).map(tuple),
)


def _values(pool: tuple[str, ...]) -> st.SearchStrategy[tuple[str, ...]]:
    return st.lists(st.sampled_from(pool), min_size=1, max_size=2).map(tuple)


text_nodes = st.sampled_from(TextMode).flatmap(
    lambda mode: st.builds(
        plan.Text,
        st.sampled_from([NAME, text_of(CODE)]),
        st.just(mode),
        _values(TEXTS).map(
            lambda texts: texts if mode is TextMode.EXACT else tuple(fold(t) for t in texts)
        ),
    )
)
full_text_nodes = st.builds(
    plan.FullText,
    st.frozensets(st.sampled_from([NARRATIVE, OTHER])),
    st.lists(st.sampled_from(WORDS[:-1]), min_size=1, max_size=3).map(" ".join),
    st.booleans(),
)
uri_nodes = st.builds(
    plan.Uri, st.sampled_from([URL, SUBJECT]), st.sampled_from(UriMode), _values(URIS)
)
reference_nodes = st.builds(
    plan.Reference, st.sampled_from([SUBJECT, MEMBER]), st.frozensets(keys, max_size=3)
)
date_nodes = st.builds(
    lambda param, when: plan.Date(param, when[0], *when[1]), st.sampled_from([DATE, BIRTH]), dated
)
number_nodes = numbered.map(lambda what: plan.Number(PROBABILITY, what[0], *what[1]))
near_nodes = st.builds(
    plan.Near,
    st.just(NEAR),
    st.sampled_from(DEGREES),
    st.sampled_from(DEGREES),
    st.sampled_from([0.0, 60.0, 5000.0, 12_000.0]),
)
quantity_nodes = st.builds(
    lambda what, system, code, canonical: plan.Quantity(
        VALUE, what[0], *what[1], system, code, (*what[1], canonical) if canonical else None
    ),
    numbered,
    st.sampled_from([None, "http://unitsofmeasure.org"]),
    st.sampled_from([None, "g", "tablet"]),
    st.sampled_from([None, "g", "m"]),
)


def _part_node(index: int, node: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    def renamed(leaf: Any) -> Any:
        return msgspec.structs.replace(leaf, param=part(PAIR, index))

    return node.map(renamed)


composite_nodes = st.builds(
    lambda code, value: plan.Composite(PAIR, plan.And((code, value))),
    _part_node(0, token_nodes),
    _part_node(1, quantity_nodes) | _part_node(2, date_nodes),
) | st.just(plan.Composite(PAIR, plan.EVERYTHING))
present_nodes = st.sampled_from([CODE, NAME, SUBJECT, DATE, PROBABILITY, VALUE, PAIR, URL]).map(
    plan.Present
)
updated_nodes = st.builds(
    lambda prefix, at, width: plan.Updated(prefix, at, at + width),
    prefixes,
    st.integers(1_700_000_000_000, 1_700_000_000_020).map(lambda ms: ms * 1000),
    st.sampled_from([1000, 5000]),
)


def _chart(subjects: st.SearchStrategy[Node]) -> st.SearchStrategy[Node]:
    return st.builds(
        lambda subject, token, more: plan.And((subject, token, *more)),
        subjects,
        st.builds(plan.Token, st.just(CODE), st.lists(codings, min_size=1, max_size=2).map(tuple)),
        st.lists(dated.map(lambda when: plan.Date(DATE, when[0], *when[1])), max_size=2),
    )


chart_nodes = _chart(
    st.builds(plan.Reference, st.just(SUBJECT), st.frozensets(keys, min_size=1, max_size=2))
)
leaves: st.SearchStrategy[Node] = st.one_of(
    chart_nodes,
    st.just(plan.EVERYTHING),
    st.just(plan.Nothing()),
    st.builds(plan.OfType, types),
    st.builds(plan.Ids, st.frozensets(st.sampled_from(IDS), max_size=2)),
    st.builds(plan.Keys, st.frozensets(keys, max_size=3)),
    updated_nodes,
    token_nodes,
    text_nodes,
    full_text_nodes,
    uri_nodes,
    reference_nodes,
    date_nodes,
    number_nodes,
    near_nodes,
    quantity_nodes,
    composite_nodes,
    present_nodes,
)


def _grown(nodes: st.SearchStrategy[Node]) -> st.SearchStrategy[Node]:
    several = st.lists(nodes, max_size=3).map(tuple)
    return st.one_of(
        several.map(plan.And),
        several.map(plan.Or),
        nodes.map(plan.Not),
        st.builds(plan.Chain, st.sampled_from([SUBJECT, MEMBER]), types, nodes),
        _chart(st.builds(plan.Chain, st.just(SUBJECT), types, nodes)),
        st.builds(plan.Has, st.sampled_from(TYPES), st.sampled_from([SUBJECT, MEMBER]), nodes),
    )


nodes = st.recursive(leaves, _grown, max_leaves=5)

sort_keys = st.builds(
    SortKey,
    st.just(Param("")),
    st.sampled_from([SortBy.ID, SortBy.UPDATED]),
    st.booleans(),
) | st.sampled_from(
    [
        (DATE, SortBy.DATE),
        (NAME, SortBy.STRING),
        (CODE, SortBy.TOKEN),
        (PROBABILITY, SortBy.NUMBER),
        (VALUE, SortBy.QUANTITY),
        (URL, SortBy.URI),
        (SUBJECT, SortBy.REFERENCE),
    ]
).flatmap(lambda key: st.builds(SortKey, st.just(key[0]), st.just(key[1]), st.booleans()))

queries = st.builds(
    Query,
    types,
    nodes,
    st.lists(sort_keys, max_size=2).map(tuple),
    st.integers(1, 4),
    st.none(),
    st.booleans(),
)


def put(
    type: str,
    id: str,
    rows: Rows | None = None,
    *,
    expect: int = 0,
    old: Rows | None = None,
    rest: bytes = b"{}",
) -> Put:
    """A creation or an update."""
    method = "PUT"
    return Put(type, id, method, rest, rows or Rows(), expect, old or Rows())


def deletion(type: str, id: str, *, expect: int, old: Rows | None = None) -> Put:
    return Put(type, id, "DELETE", b"", Rows(), expect, old or Rows())
