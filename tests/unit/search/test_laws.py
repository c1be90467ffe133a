"""Whatever a client writes: an answer or an error of the tree; and the self link says the same."""

from __future__ import annotations

from contextlib import suppress
from urllib.parse import urlencode

from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from careplane.kernel.errors import CareplaneError
from careplane.search.criterion import Setting
from careplane.search.dates import span
from careplane.search.parse import parse, parse_query
from careplane.search.registry import r4_registry
from careplane.search.syntax import split, unescape

SETTING = Setting(r4_registry({}), "https://here/fhir", 1_700_000_000_000_000)
TYPES = ("Patient", "Observation", "MolecularSequence", "Location", "Provenance", "List", "Bundle")
PARAMETERS = {type: SETTING.registry.of(type) for type in TYPES}
REFERENCES = {type: SETTING.registry.references(type) for type in TYPES}

GOOD: dict[str, list[str]] = {
    "string": ["ann", "Müller", "a\\,b", "a,b"],
    "token": ["a", "http://s|a", "|a", "http://s|", "a,b|c"],
    "date": [
        "2020",
        "ge2020-02",
        "sa2020-01-01T10:00Z",
        "ap2020-01-01T10:00:00.5+02:00",
        "2020,2021",
    ],
    "number": ["1", "ap5.40", "1e2", "lt-3"],
    "quantity": ["5.4", "gt5.4|http://unitsofmeasure.org|mg", "1||mg", "1,2"],
    "uri": ["http://a/b", "urn:oid:1.2", "http://a|1"],
    "reference": ["1", "Patient/1", "https://here/fhir/Patient/1", "http://a/Patient/1,2"],
    "composite": ["a$b", "a$5", "a$2020", "1$2$3"],
    "special": ["1|2|3|km"],
}
MODIFIERS = ("missing", "exact", "contains", "not", "text", "identifier", "of-type", "in", "below")
RESULTS = {
    "_sort": ["_id", "-_lastUpdated,_id", "identifier"],
    "_count": ["0", "7", "5000", "-1"],
    "_summary": ["true", "count", "all"],
    "_total": ["accurate"],
    "_elements": ["id,name"],
    "_include": ["*", "Observation:*", "Patient:link", "Observation:subject:Patient"],
    "_revinclude:iterate": ["Provenance:target", "Observation:*", "*"],
    "_contained": ["false"],
    "_type": ["Patient", "Patient,Observation"],
    "_format": ["json"],
    "_list": ["1", "$current"],
    "_filter": ["a eq b"],
}
noise = st.tuples(st.text(max_size=20), st.text(max_size=20))


@st.composite
def criteria(draw: st.DrawFn, type: str) -> tuple[str, str]:
    """Mostly one that is right for the type; at times behind a chain or a `_has`."""
    link = draw(st.sampled_from(("", "", "", "chain", "has")))
    if link == "chain" and REFERENCES[type]:
        reference = draw(st.sampled_from(REFERENCES[type]))
        target = draw(st.sampled_from([t for t in TYPES if t in reference.targets] or ["List"]))
        key, value = draw(criteria(target))
        return f"{reference.code}:{target}.{key}", value
    if link == "has":
        key, value = draw(criteria("Observation"))
        return f"_has:Observation:{draw(st.sampled_from(('subject', 'patient')))}:{key}", value
    parameter = draw(st.sampled_from(PARAMETERS[type]))
    modifier = draw(st.sampled_from(("", "", "", *MODIFIERS)) | st.sampled_from(TYPES))
    value = draw(st.sampled_from(GOOD[parameter.type]) | st.sampled_from(("true", "x", "$,|", "")))
    return f"{parameter.code}:{modifier}" if modifier else parameter.code, value


@st.composite
def searches(draw: st.DrawFn) -> tuple[list[str], list[tuple[str, str]]]:
    type = draw(st.sampled_from(TYPES))
    results = st.sampled_from(sorted(RESULTS)).flatmap(
        lambda key: st.tuples(st.just(key), st.sampled_from(RESULTS[key]))
    )
    right = draw(st.lists(criteria(type), max_size=2)) + draw(st.lists(results, max_size=2))
    wrong = draw(st.lists(noise, max_size=1))
    return draw(st.sampled_from(([type], [type], [type], []))), right + wrong


@given(searches(), st.booleans())
@settings(max_examples=400, deadline=None)
def test_a_search_is_understood_or_refused(
    asked: tuple[list[str], list[tuple[str, str]]], strict: bool
) -> None:
    types, pairs = asked
    try:
        search = parse(SETTING, types, pairs, strict=strict)
    except CareplaneError:
        return
    again = parse(SETTING, types, search.understood, strict=True)
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
