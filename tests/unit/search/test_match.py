"""What each node means, on one resource and on a small world of them."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from careplane.search import plan
from careplane.search.match import NoWorld, Subject, matches, present_params
from careplane.search.order import ordered, sort_value
from careplane.search.plan import Coding, Node, Prefix, SortBy, SortKey, TextMode, UriMode
from careplane.search.rows import (
    END,
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
    identifier_of,
    part,
    text_of,
)

CODE, NAME, URL, SUBJECT = Param("X.code"), Param("X.name"), Param("X.url"), Param("X.subject")
DATE, NUMBER, VALUE, PAIR = Param("X.date"), Param("X.number"), Param("X.value"), Param("X.pair")
OTHER, AGENT, ABSENT = Param("X.other"), Param("X.agent"), Param("X.absent")
UCUM = "http://unitsofmeasure.org"


def one(type: str = "X", id: str = "1", at: int = 5_000, **rows: list[object]) -> Subject:
    return Subject(type, id, at, Rows(**rows))  # type: ignore[arg-type]


X = one(
    tokens=[TokenRow(CODE, "http://s", "a"), TokenRow(CODE, None, "b"), TokenRow(OTHER, "s", "o")],
    strings=[
        StringRow(NAME, "muller anna", "Müller, Anna"),
        StringRow(text_of(Param("X.reason")), "cough", "Cough"),
    ],
    uris=[UriRow(URL, "http://a/b"), UriRow(URL, "http://c/d|2.0"), UriRow(URL, "urn:oid:1.2")],
    references=[ReferenceRow(SUBJECT, "P", "1"), ReferenceRow(SUBJECT, "G", "7")],
    dates=[DateRow(DATE, 10, 20), DateRow(DATE, 40, END)],
    numbers=[NumberRow(NUMBER, 5, 5), NumberRow(NUMBER, 7, 9)],
    quantities=[
        QuantityRow(VALUE, 5, 5, UCUM, "mg", CanonicalQuantity(0.005, 0.005, "g")),
        QuantityRow(VALUE, 3, 3, None, "tablets", None),
    ],
    composites=[
        CompositeRow(
            PAIR,
            Rows(
                tokens=[TokenRow(part(PAIR, 0), "s", code)],
                numbers=[NumberRow(part(PAIR, 1), number, number)],
            ),
        )
        for code, number in (("sys", 120), ("dia", 80))
    ],
)


def token(*codings: Coding, param: Param = CODE) -> Node:
    return plan.Token(param, codings)


def text(mode: TextMode, *values: str) -> Node:
    return plan.Text(NAME, mode, values)


def uri(mode: UriMode, *values: str) -> Node:
    return plan.Uri(URL, mode, values)


def quantity(low: float, **rest: object) -> Node:
    return plan.Quantity(VALUE, Prefix.EQ, low - 0.5, low + 0.5, **rest)  # type: ignore[arg-type]


def pair(code: str, number: float) -> Node:
    coded = plan.Token(part(PAIR, 0), (Coding("s", code),))
    valued = plan.Number(part(PAIR, 1), Prefix.GE, number, number)
    return plan.Composite(PAIR, plan.And((coded, valued)))


A, Z = token(Coding(None, "a", any_system=True)), token(Coding(None, "z", any_system=True))

MEANINGS: list[tuple[Node, bool]] = [
    (plan.Everything(), True),
    (plan.Nothing(), False),
    (plan.And(()), True),
    (plan.And((A, A)), True),
    (plan.And((A, Z)), False),
    (plan.Or(()), False),
    (plan.Or((Z, A)), True),
    (plan.Or((Z, Z)), False),
    (plan.Not(A), False),
    (plan.Not(Z), True),
    (plan.OfType(frozenset({"X", "Y"})), True),
    (plan.OfType(frozenset({"Y"})), False),
    (plan.Ids(frozenset({"1", "2"})), True),
    (plan.Ids(frozenset({"2"})), False),
    (plan.Keys(frozenset({("X", "1")})), True),
    (plan.Keys(frozenset({("Y", "1")})), False),
    (plan.Updated(Prefix.EQ, 0, 10_000), True),
    (plan.Updated(Prefix.EQ, 5_000, 6_000), True),
    (plan.Updated(Prefix.EQ, 5_000, 5_999), False),
    (plan.Updated(Prefix.GT, 0, 5_000), True),
    (plan.Updated(Prefix.GT, 5_000, 6_000), False),
    (plan.Updated(Prefix.LE, 5_000, 6_000), True),
    # token: system and code, each with and without
    (token(Coding("http://s", "a")), True),
    (token(Coding("http://s", "A")), False),
    (token(Coding("http://t", "a")), False),
    (token(Coding(None, "a")), False),
    (token(Coding(None, "b")), True),
    (token(Coding(None, "b", any_system=True)), True),
    (token(Coding("http://s", None)), True),
    (token(Coding("http://t", None)), False),
    (token(Coding(None, "o", any_system=True)), False),
    (token(Coding("x", "y"), Coding("http://s", "a")), True),
    (token(), False),
    # string
    (text(TextMode.STARTS, "muller"), True),
    (text(TextMode.STARTS, "anna"), False),
    (text(TextMode.CONTAINS, "anna"), True),
    (text(TextMode.CONTAINS, "Anna"), False),
    (text(TextMode.EXACT, "Müller, Anna"), True),
    (text(TextMode.EXACT, "müller, anna"), False),
    (text(TextMode.EXACT, "Müller"), False),
    (text(TextMode.STARTS, "z", "mul"), True),
    # uri
    (uri(UriMode.EXACT, "http://a/b"), True),
    (uri(UriMode.EXACT, "http://a/"), False),
    (uri(UriMode.EXACT, "http://c/d"), True),
    (uri(UriMode.EXACT, "http://c/d|2.0"), True),
    (uri(UriMode.EXACT, "http://c/d|1.0"), False),
    (uri(UriMode.EXACT, "urn:oid:1.2"), True),
    (uri(UriMode.BELOW, "http://a"), True),
    (uri(UriMode.BELOW, "http://a/"), True),
    (uri(UriMode.BELOW, "http://a/b"), True),
    (uri(UriMode.BELOW, "http://a/b/c"), False),
    (uri(UriMode.BELOW, "http://c/d/"), False),
    (uri(UriMode.BELOW, "http://c"), True),
    (uri(UriMode.ABOVE, "http://a/b/c"), True),
    (uri(UriMode.ABOVE, "http://a/b"), True),
    (uri(UriMode.ABOVE, "http://a/bc"), False),
    (uri(UriMode.ABOVE, "http://a"), False),
    (uri(UriMode.ABOVE, "http://c/d/e"), True),
    # reference
    (plan.Reference(SUBJECT, frozenset({("P", "1")})), True),
    (plan.Reference(SUBJECT, frozenset({("P", "7")})), False),
    (plan.Reference(AGENT, frozenset({("P", "1")})), False),
    # date, number, quantity: one value each; the prefixes have their own table
    (plan.Date(DATE, Prefix.EQ, 10, 20), True),
    (plan.Date(DATE, Prefix.EQ, 11, 20), False),
    (plan.Date(DATE, Prefix.GT, 10**15, 10**16), True),
    (plan.Number(NUMBER, Prefix.EQ, 4.5, 5.5), True),
    (plan.Number(NUMBER, Prefix.EQ, 7.5, 8.5), False),
    (plan.Number(NUMBER, Prefix.GT, 8, 8), True),
    (quantity(5), True),
    (quantity(5, code="mg"), True),
    (quantity(5, code="mg", system=UCUM), True),
    (quantity(5, code="mg", system="http://other"), False),
    (quantity(5, code="g"), False),
    (quantity(5, system=UCUM), True),
    (quantity(3, code="tablets"), True),
    (quantity(3, code="mg"), False),
    (quantity(9, code="ug", system=UCUM, canonical=(0.0045, 0.0055, "g")), True),
    (quantity(9, code="ug", system=UCUM, canonical=(0.0045, 0.0055, "m")), False),
    (quantity(3, code="tablets", canonical=(9, 9, "m")), True),
    # composite: both parts in one group
    (pair("sys", 120), True),
    (pair("sys", 121), False),
    (pair("dia", 120), False),
    (pair("dia", 80), True),
    # present
    (plan.Present(CODE), True),
    (plan.Present(Param("X.reason")), True),
    (plan.Present(ABSENT), False),
    (plan.Present(PAIR), True),
]


@pytest.mark.parametrize(("node", "expected"), MEANINGS)
def test_a_node(node: Node, expected: bool) -> None:
    assert matches(node, X, NoWorld()) is expected


class Small:
    """A world of three."""

    def __init__(self, *subjects: Subject) -> None:
        self._all = {(s.type, s.id): s for s in subjects}

    def resource(self, type: str, id: str) -> Subject | None:
        return self._all.get((type, id))

    def referring(self, source: str, type: str, id: str) -> Iterable[Subject]:
        return [s for s in self._all.values() if s.type == source]


P = one("P", "1", strings=[StringRow(NAME, "anna", "Anna")])
WORLD = Small(X, P, one("Y", "9", references=[ReferenceRow(SUBJECT, "X", "1")]))
ANNA, BOB = (plan.Text(NAME, TextMode.STARTS, (v,)) for v in ("anna", "bob"))


@pytest.mark.parametrize(
    ("subject", "node", "expected"),
    [
        (X, plan.Chain(SUBJECT, frozenset({"P"}), ANNA), True),
        (X, plan.Chain(SUBJECT, frozenset({"P"}), BOB), False),
        (X, plan.Chain(SUBJECT, frozenset({"Q"}), ANNA), False),
        (X, plan.Chain(AGENT, frozenset({"P"}), ANNA), False),
        (X, plan.Chain(SUBJECT, frozenset({"G"}), plan.Everything()), False),  # not there
        (P, plan.Has("X", SUBJECT, A), True),
        (P, plan.Has("X", SUBJECT, Z), False),
        (P, plan.Has("X", AGENT, A), False),
        (P, plan.Has("Y", SUBJECT, plan.Everything()), False),
        (P, plan.Has("X", SUBJECT, plan.Has("Y", SUBJECT, plan.Everything())), True),
        (X, plan.Chain(SUBJECT, frozenset({"P"}), plan.Has("X", SUBJECT, A)), True),
    ],
)
def test_beyond_one_resource(subject: Subject, node: Node, expected: bool) -> None:
    assert matches(node, subject, WORLD) is expected


def test_present_params_look_through_the_side_rows() -> None:
    rows = Rows(
        tokens=[TokenRow(identifier_of(SUBJECT), "s", "v")],
        strings=[StringRow(text_of(CODE), "x", "X")],
    )
    assert present_params(rows) == {SUBJECT, CODE}


FIRST = one(id="a", at=3_000, numbers=[NumberRow(NUMBER, 1, 1), NumberRow(NUMBER, 9, 9)])
SECOND = one(id="b", at=1_000, numbers=[NumberRow(NUMBER, 2, 2)])
THIRD = one(id="c", at=2_000)
FOURTH = one(id="d", at=2_000, numbers=[NumberRow(NUMBER, 2, 2)])


@pytest.mark.parametrize(
    ("sort", "ids"),
    [
        ([], "abcd"),
        ([SortKey(NUMBER, SortBy.NUMBER)], "abdc"),
        ([SortKey(NUMBER, SortBy.NUMBER, descending=True)], "abdc"),
        ([SortKey(Param("_id"), SortBy.ID, descending=True)], "dcba"),
        ([SortKey(Param("_lastUpdated"), SortBy.UPDATED)], "bcda"),
        ([SortKey(Param("u"), SortBy.UPDATED), SortKey(NUMBER, SortBy.NUMBER)], "bdca"),
        ([SortKey(Param("u"), SortBy.UPDATED, descending=True)], "acdb"),
    ],
)
def test_order(sort: list[SortKey], ids: str) -> None:
    assert "".join(s.id for s in ordered([FIRST, SECOND, THIRD, FOURTH], sort)) == ids


@pytest.mark.parametrize(
    ("param", "by", "lowest", "highest"),
    [
        (CODE, SortBy.TOKEN, "a", "b"),
        (NAME, SortBy.STRING, "muller anna", "muller anna"),
        (URL, SortBy.URI, "http://a/b", "urn:oid:1.2"),
        (SUBJECT, SortBy.REFERENCE, "G/7", "P/1"),
        (DATE, SortBy.DATE, 10, END),
        (VALUE, SortBy.QUANTITY, 0.005, 3),
        (ABSENT, SortBy.DATE, None, None),
    ],
)
def test_sort_value(param: Param, by: SortBy, lowest: object, highest: object) -> None:
    assert sort_value(X, SortKey(param, by)) == lowest
    assert sort_value(X, SortKey(param, by, descending=True)) == highest
