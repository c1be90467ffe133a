"""Notes as values: what is typed comes back, templates, placeholders."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from careplane.care.notes import filling, note, templates
from careplane.care.notes.names import NOTE_TEMPLATE, USE
from careplane.care.notes.text import narrative, text_of, tidy
from careplane.fhir.validation import check
from careplane.web.say.sections import KNOWN, known

AUTHOR = {"reference": "Practitioner/d", "display": "D"}
AT = "2026-11-28T10:00:00.000Z"
EVIL = "<script>alert(1)</script>&amp;\"'><img src=x onerror=alert(1)> ]]> <!-- \u202e \ufeff"


@given(st.text(max_size=300))
def test_what_is_typed_comes_back(typed: str) -> None:
    once = text_of(narrative(typed))
    assert text_of(narrative(once)) == once
    flat = "".join(typed.split())
    assert "".join(once.split()) == "".join(tidy(flat).split())


@pytest.mark.parametrize(
    "typed",
    [
        "one line",
        "two\nlines",
        "a\n\nparagraph\nof two lines\n\nand one",
        "- a\n- b",
        EVIL,
        "رسالة",
    ],
)
def test_lines_and_paragraphs_stay(typed: str) -> None:
    assert text_of(narrative(typed)) == typed


def test_a_narrative_of_others_is_read_as_text() -> None:
    div = (
        '<div xmlns="http://www.w3.org/1999/xhtml"><h2>Plan</h2><ul><li>rest</li>\n<li>drink</li>'
        "</ul><table><tr><td>a</td><td>b</td></tr></table><p>x<b>y</b>\n z<br/>w</p></div>"
    )
    assert text_of({"div": div}) == "Plan\nrest\n drink\na\tb\t\nxy z\nw"
    assert text_of({"div": "<div"}) == ""
    assert text_of({}) == ""


@pytest.mark.parametrize("key", templates.SHIPPED)
def test_a_shipped_template_makes_a_valid_note(key: str) -> None:
    template = templates.shipped(key)
    texts = {part.key: part.begin or EVIL for part in template.parts}
    tree = note.begun(template, "p", AUTHOR, AT, texts, "Encounter/e")
    check(json.dumps(tree).encode(), "Composition")
    assert len({part.key for part in template.parts}) == len(template.parts)
    assert [one.key for one in note.sections(tree)] == [part.key for part in template.parts]
    assert {name for part in template.parts for name in filling.asked([part.begin])} <= set(
        filling.NEEDS
    )


def questionnaire(**more: object) -> dict[str, object]:
    coding = {"system": USE, "code": NOTE_TEMPLATE}
    return {
        "resourceType": "Questionnaire", "id": "own", "status": "active", "title": "Own <b>",
        "code": [{"system": "http://loinc.org", "code": "11506-3"}],
        "useContext": [{"valueCodeableConcept": {"coding": [coding]}}],
        "item": [
            {"linkId": "1", "type": "text", "text": "First", "initial": [{"valueString": "x"}]},
            {"linkId": "2", "type": "group", "text": "no section"},
            {"linkId": "3", "type": "text",
             "code": [{"system": "http://loinc.org", "code": "18776-5", "display": "Plan"}]},
        ],
        **more,
    }  # fmt: skip


def test_an_institution_has_its_own_templates() -> None:
    template = templates.of(questionnaire())
    assert template
    assert (template.key, template.title) == ("Questionnaire/own", "Own <b>")
    assert [(p.key, p.title, p.begin) for p in template.parts] == [
        ("n0", "First", "x"), ("18776-5", "Plan", ""),
    ]  # fmt: skip


@pytest.mark.parametrize(
    "more", [{"status": "retired"}, {"useContext": []}, {"code": []}, {"item": []}]
)
def test_what_lacks_something_is_no_template(more: dict[str, object]) -> None:
    assert templates.of(questionnaire(**more)) is None


def concept(text: str) -> dict[str, str]:
    return {"text": text}


SAID = {
    "problems": (
        [{"code": concept("Gout"), "clinicalStatus": {"coding": [{"code": "active"}]}},
         {"code": concept("Flu"), "clinicalStatus": {"coding": [{"code": "resolved"}]}}],
        "- Gout"),
    "allergies": (
        [{"code": concept("Nuts"), "reaction": [{"manifestation": [concept("Hives")]}]},
         {"code": concept("Milk"), "clinicalStatus": {"coding": [{"code": "inactive"}]}}],
        "- Nuts (Hives)"),
    "medications": (
        [{"medicationCodeableConcept": concept("A 5 mg"), "dosageInstruction": [concept("daily")]},
         {"medicationReference": {"display": "B"}}],
        "- A 5 mg, daily\n- B"),
    "vitals": (
        [{"code": concept("Weight"), "valueQuantity": {"value": 80.5, "unit": "kg"},
          "effectiveDateTime": "2026-11-02T10:30:00Z"},
         {"code": concept("Weight"), "valueQuantity": {"value": 70, "unit": "kg"}},
         {"code": concept("Blood pressure"), "effectiveDateTime": "2026-11-01",
          "component": [{"valueQuantity": {"value": 120, "unit": "mmHg"}},
                        {"valueQuantity": {"value": 80, "unit": "mmHg"}}]}],
        "Weight: 80.5 kg (2026-11-02 10:30)\nBlood pressure: 120/80 mmHg (2026-11-01)"),
}  # fmt: skip


@pytest.mark.parametrize("name", filling.NEEDS)
def test_placeholders_are_said(name: str) -> None:
    trees, text = SAID[name]
    assert filling.said(name, trees) == text
    assert filling.said(name, []) == filling.NEEDS[name].none
    assert filling.said(name, None) == "(not open to your role)"


def test_what_nobody_knows_stays() -> None:
    text = "{vitals} {nonsense} {Vitals} {{problems}}"
    assert filling.asked([text]) == ["problems", "vitals"]
    assert filling.filled(text, {"vitals": "{problems}", "problems": "x"}) == (
        "{problems} {nonsense} {Vitals} {x}"
    )


def test_titles_that_ship_can_be_said_in_other_languages() -> None:
    shipped = [templates.shipped(key) for key in templates.SHIPPED]
    titles = {one.title for one in shipped} | {p.title for one in shipped for p in one.parts}
    titles |= {part.title for part in templates.addendum().parts}
    assert titles <= KNOWN
    assert known(EVIL) == ""
