"""Next links: what is sealed opens again, and nothing else does."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from careplane.kernel.errors import Incorrect
from careplane.rest.interactions.history import HistoryPage
from careplane.rest.interactions.search import SearchPage
from careplane.rest.links import Pages, address, with_query

PAGES = Pages(bytes(32))
PAGE = SearchPage(("Patient",), (("name", "x"),), "cursor")


@given(st.lists(st.tuples(st.text(), st.text())), st.text())
def test_a_page_opens_as_it_was_sealed(pairs: list[tuple[str, str]], cursor: str) -> None:
    page = SearchPage(("Patient", "1", "*"), tuple(pairs), cursor)
    assert PAGES.open(PAGES.seal(page), SearchPage) == page


def test_a_page_hides_what_it_carries() -> None:
    assert "name" not in PAGES.seal(PAGE)
    assert PAGES.seal(PAGE) != PAGES.seal(PAGE)


@pytest.mark.parametrize(
    "text",
    ["", "x", "A" * 50, "A" * 200_000, "\u00e9", PAGES.seal(PAGE)[:-3], "AAAA" + PAGES.seal(PAGE)],
    ids=["empty", "short", "of one letter", "long", "not ASCII", "cut", "longer"],
)  # fmt: skip
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(Incorrect):
        PAGES.open(text, SearchPage)


def test_a_page_is_of_one_kind_and_one_key() -> None:
    with pytest.raises(Incorrect):
        PAGES.open(PAGES.seal(PAGE), HistoryPage)
    with pytest.raises(Incorrect):
        Pages(bytes(31) + b"x").open(PAGES.seal(PAGE), SearchPage)


def test_addresses_are_quoted() -> None:
    assert address("http://a/fhir", "Patient", 'x"y', "$everything") == (
        "http://a/fhir/Patient/x%22y/$everything"
    )
    assert with_query("http://a", (("name", 'a"b&c'),)) == "http://a?name=a%22b%26c"
    assert with_query("http://a", ()) == "http://a"
