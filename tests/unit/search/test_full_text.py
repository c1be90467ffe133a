"""Full-text search: what is a word, what is text of a resource, and how words are asked for."""

from __future__ import annotations

import json
import time
from base64 import b64encode
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from careplane.fhir.structs import decoder
from careplane.kernel.errors import Invalid, TooLarge, Unsupported
from careplane.search.criterion import Setting
from careplane.search.extract import extract
from careplane.search.match import NoWorld, Subject, matches
from careplane.search.narrative import plain
from careplane.search.parse import parse, parse_query
from careplane.search.registry import r4_registry
from careplane.search.rows import Rows
from careplane.search.wording import extract_with_words
from careplane.search.words import BREAK, MAX_TEXT, MAX_WORD, has, joined, words
from tests.unit.search.notation import shown

HERE = Path(__file__).parent
OFF = Setting(r4_registry())
ON = Setting(r4_registry({}).with_full_text())


def table(name: str) -> Any:
    return yaml.safe_load((HERE / name).read_text("utf-8"))


@pytest.mark.parametrize("case", table("cases/full_text.yaml"), ids=lambda case: case["search"])
def test_a_search(case: dict[str, Any]) -> None:
    type, _, query = case["search"].partition("?")
    types, pairs = ((type,) if type else ()), parse_query(query)
    if "error" in case:
        with pytest.raises((Invalid, Unsupported)) as caught:
            parse(ON, types, pairs)
        assert type_name(caught.value) == case["error"]
        assert case.get("says", "") in caught.value.text
        assert case.get("where") in (None, caught.value.issues[0].where)
        return
    assert shown(parse(ON, types, pairs).query.where) == case["plan"]


def type_name(error: Exception) -> str:
    return type(error).__name__


@pytest.mark.parametrize(("text", "found"), table("words.yaml").items())
def test_words(text: str, found: str) -> None:
    assert words(text) == found


@pytest.mark.parametrize(("markup", "found"), table("narrative.yaml").items())
def test_a_narrative(markup: str, found: str) -> None:
    assert words(plain(markup)) == found


@pytest.mark.parametrize(
    ("query", "error"),
    [
        ("a" * 2001, TooLarge),
        (" ".join("a" * 101), TooLarge),
        ("(" * 21 + "a" + ")" * 21, TooLarge),
        ("(" * 20 + "a" + ")" * 20, None),
        ("a" * 63 + "*", None),
        ("a" * 64 + "*", Invalid),
        ("(" * 1999, TooLarge),
        ('"' * 1999, Invalid),
        ("not " * 499 + "a", None),
    ],
)
def test_a_query_is_bounded(query: str, error: type[Exception] | None) -> None:
    if error is None:
        parse(ON, ("Patient",), [("_text", query)])
        return
    with pytest.raises(error):
        parse(ON, ("Patient",), [("_text", query)])


@pytest.mark.parametrize("key", ["_text", "_content", "_has:Observation:patient:_text"])
@pytest.mark.parametrize("strict", [True, False])
def test_where_it_is_off_the_answer_says_how_it_is_switched_on(key: str, strict: bool) -> None:
    with pytest.raises(Unsupported, match="CAREPLANE_FULL_TEXT=true"):
        parse(OFF, ("Patient",), [(key, "a")], strict=strict)
    assert "_text" not in [p.code for p in OFF.registry.of("Patient")]
    assert {"_text", "_content"} <= {p.code for p in ON.registry.of("Patient")}


def test_nothing_is_sorted_by_it() -> None:
    with pytest.raises(Unsupported):
        parse(ON, ("Patient",), [("_sort", "_text")])


@given(st.text())
def test_words_of_words_are_the_same(text: str) -> None:
    found = words(text)
    assert words(found) == found
    assert "  " not in found
    assert found == found.strip()
    assert BREAK not in found
    assert all(len(word) <= MAX_WORD for word in found.split(" "))


@given(st.text(), st.text())
def test_words_do_not_depend_on_what_stands_beside_them(one: str, other: str) -> None:
    assert words(f"{one} {other}").split() == [*words(one).split(), *words(other).split()]


@given(st.lists(st.text(alphabet="ab ", max_size=9).map(words), max_size=5), st.data())
def test_a_phrase_is_found_in_one_text_only(texts: list[str], data: st.DataObject) -> None:
    phrase = data.draw(st.text(alphabet="ab ", min_size=1, max_size=5).map(words).filter(bool))
    whole = joined(texts)
    assert has(whole, phrase, open=False) == any(has(t, phrase, open=False) for t in texts)
    assert has(whole, phrase, open=True) == any(has(t, phrase, open=True) for t in texts)


def test_a_long_text_ends_behind_a_word() -> None:
    text = joined([words("abc " * MAX_TEXT)])
    assert len(text) <= MAX_TEXT
    assert text.endswith(" abc")


@pytest.mark.parametrize("unit", ["<!--", '<a "<', "<a '\"' ", '<a "<a \'" ', "<", "<a ''\"\""])
def test_markup_without_an_end_takes_linear_time(unit: str) -> None:
    began = time.perf_counter()
    plain(unit * 200_000)
    assert time.perf_counter() - began < 5


def own(text: str) -> dict[str, str]:
    return {"url": "http://e/address", "valueString": text}


RESOURCE: dict[str, Any] = {
    "resourceType": "DocumentReference",
    "id": "identity",
    "text": {"status": "generated", "div": "<div>Told <i>here</i></div>"},
    "contained": [
        {
            "resourceType": "Practitioner",
            "id": "c",
            "text": {"status": "generated", "div": "<div>inner<br/>tale</div>"},
            "name": [{"family": "Inside", "_family": {"extension": [own("nobility")]}}],
        }
    ],
    "extension": [own("extended")],
    "identifier": [
        {"system": "http://e/system", "value": "MRN-12"},
        {"value": "018f428e-34f6-4707-8009-5ad742f901e7"},
    ],
    "status": "current",
    "type": {"coding": [{"code": "coded", "display": "Displayed"}], "text": "Displayed"},
    "subject": {"reference": "Patient/referred", "display": "Subject"},
    "date": "2024-01-01T00:00:00Z",
    "description": "**Marked** down",
    "content": [
        {"attachment": {"contentType": kind, "title": "title", "data": b64encode(data).decode()}}
        for kind, data in (
            ("text/plain", "plain Ärger".encode()),
            ("text/plain; charset=iso-8859-1", "latin Ärmel".encode("iso-8859-1")),
            ("text/plain;charset=nonsense", b"unread"),
            ("text/html", b"<p>mark<b>ed</b> up</p>"),
            ("application/pdf", b"binary"),
        )
    ],
}


def test_what_is_text_of_a_resource() -> None:
    rows = extract_with_words(decoder("DocumentReference").decode(json.dumps(RESOURCE)))
    narrative, other = (row.words for row in rows.words)
    assert narrative == "told here"
    assert set(other.split(f" {BREAK} ")) == {
        "inner tale", "inside", "nobility", "extended", "mrn 12", "displayed", "subject",
        "marked down", "title", "plain arger", "latin armel", "marked up",
    }  # fmt: skip


def test_a_binary_and_a_section_are_text_too() -> None:
    binary = {"resourceType": "Binary", "contentType": "text/plain", "data": "d29yZA=="}
    assert _other(binary) == "word"
    section = {"title": "S", "text": {"status": "generated", "div": "<div>told</div>"}}
    composition = {"resourceType": "Composition", "status": "final", "title": "T", "date": "2024"}
    whole = composition | {"type": {"text": "t"}, "author": [{"display": "A"}]}
    assert "told" in _other(whole | {"section": [section]}).split()
    bundle = {"resourceType": "Bundle", "type": "document", "entry": [{"resource": whole}]}
    assert _other(bundle).split()


def _other(resource: Any) -> str:
    found = extract_with_words(decoder(resource["resourceType"]).decode(json.dumps(resource)))
    return found.words[1].words


def test_the_other_rows_are_those_of_r4() -> None:
    whole = decoder("DocumentReference").decode(json.dumps(RESOURCE))
    found, plain_rows = extract_with_words(whole), extract(whole)
    assert plain_rows.words == []
    found.words = []
    assert found == plain_rows


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("_text=told here", True),
        ('_text="here told"', False),
        ("_text=extended", False),
        ("_content=told extended", True),
        ('_content="here extended"', False),
        ("_content=marn OR mrn", True),
        ("_content=ext*", True),
        ("_content=xtended", False),
        ("_content=NOT coded", True),
        ("_content=binary,unread", False),
    ],
)
def test_what_a_query_finds(query: str, found: bool) -> None:
    rows: Rows = extract_with_words(decoder("DocumentReference").decode(json.dumps(RESOURCE)))
    where = parse(ON, ("DocumentReference",), parse_query(query)).query.where
    subject = Subject("DocumentReference", "identity", 0, rows)
    assert matches(where, subject, NoWorld()) is found
