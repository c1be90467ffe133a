"""Whatever a client writes: an answer or an error of the tree; and the self link says the same."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from urllib.parse import urlencode

from hypothesis import given, settings
from hypothesis import strategies as st

from careplane.fhir.definitions import RESOURCE_TYPES
from careplane.kernel.errors import CareplaneError
from careplane.search.criterion import Setting
from careplane.search.dates import span
from careplane.search.parse import parse, parse_query
from careplane.search.registry import r4_registry
from careplane.search.results import READERS
from careplane.search.syntax import split, unescape

SETTING = Setting(r4_registry(), "https://here/fhir", 1_700_000_000_000_000)
TYPES = ("Patient", "Observation", "MolecularSequence", "Location", "Provenance", "List", "Bundle")
CODES = sorted({p.code for type in TYPES for p in SETTING.registry.of(type)})
MODIFIERS = ("missing", "exact", "contains", "not", "text", "identifier", "of-type", "in", "below")

types = st.sampled_from(TYPES)
codes = st.sampled_from(CODES) | st.sampled_from(("", "_has", "_list", "_type", "_format"))
modifier = st.sampled_from(MODIFIERS) | st.sampled_from(RESOURCE_TYPES) | st.text(max_size=5)
simple = st.one_of(
    codes, st.builds("{}:{}".format, codes, modifier), st.sampled_from(list(READERS))
)
keys = st.recursive(
    simple,
    lambda inner: st.one_of(
        st.builds("{}.{}".format, simple, inner),
        st.builds("_has:{}:{}:{}".format, types, codes, inner),
    ),
    max_leaves=6,
) | st.text(max_size=20)
words = st.sampled_from(
    r"2020 2020-02 ge2020-01-01T10:00Z 5.4 1e2 ap7 -1 a b true false male Patient/1 http://a|b "
    r"http://unitsofmeasure.org|mg mg | || $ , \ \, \| \$ \\ * Patient:link Observation:* "
    r"-date,_id count".split()  # noqa: SIM905  (thirty quotes less)
)
values = st.lists(words | st.text(max_size=6), max_size=4).map("".join) | st.text(max_size=30)
pairs = st.lists(st.tuples(keys, values), max_size=5)


@given(st.sets(types, max_size=2), pairs, st.booleans())
@settings(max_examples=400, deadline=None)
def test_a_search_is_understood_or_refused(
    wanted: set[str], asked: list[tuple[str, str]], strict: bool
) -> None:
    try:
        search = parse(SETTING, wanted, asked, strict=strict)
    except CareplaneError:
        return
    again = parse(SETTING, wanted, search.understood, strict=True)
    assert again == replace(search, unknown=())
    hash(search.query)


@given(st.text(max_size=200))
def test_any_query_string_is_read_or_refused(query: str) -> None:
    with suppress(CareplaneError):
        parse(SETTING, ("Patient",), parse_query(query))


@given(st.lists(st.tuples(st.text(min_size=1), st.text()), max_size=5))
def test_what_is_percent_encoded_comes_back(asked: list[tuple[str, str]]) -> None:
    asked = [(k, v) for k, v in asked if _encodes(k) and _encodes(v)]
    assert parse_query(urlencode(asked)) == asked


def _encodes(text: str) -> bool:
    return not any("\ud800" <= char <= "\udfff" for char in text)


@given(st.lists(st.text(alphabet="ab,|$\\"), min_size=1, max_size=5))
def test_escaped_values_come_back(parts: list[str]) -> None:
    def escape(text: str) -> str:
        for mark in "\\,|$":
            text = text.replace(mark, "\\" + mark)
        return text

    written = ",".join(map(escape, parts))
    assert [unescape(part) for part in split(written, ",")] == parts


@given(st.datetimes(), st.sampled_from((4, 7, 10, 16, 19)))
def test_a_coarser_date_contains_a_finer_one(at: object, length: int) -> None:
    text = str(at).replace(" ", "T")
    fine, coarse = span(text[:26]), span(text[:length])
    assert fine
    assert coarse
    assert coarse[0] <= fine[0] < fine[1] <= coarse[1]
