"""Forms as they are filled, by tables; and what hostile ones cost."""

from __future__ import annotations

import contextlib
import time
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import yaml

from careplane.care.forms import typed, writing
from careplane.care.forms.choices import options
from careplane.care.forms.definition import form, worded
from careplane.care.forms.judging import judge
from careplane.care.forms.ready import known, questionnaire
from careplane.care.forms.settling import CIRCLE, Known, settle
from careplane.care.forms.sheet import Sheet, blank, filled
from careplane.fhir.fhirpath import root_node
from careplane.fhir.tree import Tree
from careplane.fhir.validation import problems
from careplane.kernel.errors import Invalid, NotFound, TooLarge
from careplane.words.languages import LANGUAGES, SOURCE

CORE = "http://hl7.org/fhir/StructureDefinition/"
SDC = "http://hl7.org/fhir/uv/sdc/StructureDefinition/sdc-questionnaire-"
TABLE = Path(__file__).with_name("filling.yaml").read_text("utf-8")
CASES = yaml.safe_load(
    TABLE.replace('"C/', f'"{CORE}').replace("'C/", f"'{CORE}").replace('"S/', f'"{SDC}')
)
HEAD: Tree = {"resourceType": "QuestionnaireResponse", "questionnaire": "http://example.org/q"}
NOW = 1_795_867_200_000_000


def plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {k: plain(v) for k, v in value.items() if k != "extension"}
    return float(value) if isinstance(value, Decimal) else value


def type_into(sheet: Sheet, fields: dict[str, str], patient: Known) -> None:
    settle(sheet, HEAD, patient)
    shown = {name[1:].partition("/")[0] for name in fields if name.startswith("a")}
    typed.read(sheet, {**fields, "shown": " ".join(shown)}, {})
    settle(sheet, HEAD, patient)


def answers_in(items: list[Tree], found: dict[str, list[Any]]) -> dict[str, list[Any]]:
    """The answers of a response by linkId."""
    for item in items:
        for answer in item.get("answer", ()):
            (value,) = (v for n, v in answer.items() if n.startswith("value"))
            found.setdefault(item["linkId"], []).append(plain(value))
            answers_in(answer.get("item", []), found)
        answers_in(item.get("item", []), found)
    return found


@pytest.mark.parametrize("case", CASES, ids=lambda case: str(case["name"]))
def test_a_form(case: dict[str, Any]) -> None:
    tree = {"resourceType": "Questionnaire", "url": HEAD["questionnaire"], "item": case["items"]}
    patient = {"resourceType": "Patient", "id": "p", **case.get("patient", {})}
    has = {"patient": [root_node(patient)]} if "patient" in case else {}
    context = Known(has, NOW)
    sheet = blank(form(tree))
    type_into(sheet, case.get("before", {}), context)
    again = filled(sheet.form, {**HEAD, "item": writing.items(sheet)})
    type_into(again, case.get("typed", {}), context)
    stored = writing.items(again)
    if "answers" in case:
        assert answers_in(stored, {}) == case["answers"]
    told = {line.item.link: e.problem for line in again.every() for e in line.entries if e.problem}
    assert told == case.get("mistyped", {})
    if "asked" in case:
        asked = []
        walk(again.lines, asked)
        assert asked == case["asked"]
    if "wrong" in case:
        judge(again, HEAD, {}, context)
        wrong = {line.item.link: len(line.problems) for line in again.every() if line.problems}
        assert wrong == case["wrong"]
    assert answers_in(writing.items(filled(sheet.form, {**HEAD, "item": stored})), {}) == (
        answers_in(stored, {})
    )


def walk(lines: list[Any], asked: list[str]) -> None:
    for line in lines:
        if line.is_asked:
            asked.append(line.item.link)
            for below in line.below:
                walk(below, asked)


def calculated(link: str, text: str) -> Tree:
    expression = {"language": "text/fhirpath", "expression": text}
    extension = [{"url": SDC + "calculatedExpression", "valueExpression": expression}]
    return {"linkId": link, "type": "integer", "extension": extension}


@pytest.mark.parametrize(
    "items",
    [
        [calculated("a", "iif(answer.exists(), answer.value + 1, 1)")],
        [
            calculated("a", "iif(%resource.item[1].answer.value = 1, 2, 1)"),
            calculated("b", "%resource.item[0].answer.value"),
        ],
        [
            {
                **calculated("a", "1"),
                "enableWhen": [{"question": "a", "operator": "exists", "answerBoolean": False}],
            }
        ],
    ],
)
def test_a_circle_is_refused(items: list[Tree]) -> None:
    sheet = blank(form({"resourceType": "Questionnaire", "item": items}))
    started = time.process_time()
    with pytest.raises(Invalid) as refused:
        settle(sheet, HEAD)
    assert refused.value.text == CIRCLE
    assert time.process_time() - started < 2


def test_expressions_have_a_budget() -> None:
    endless = "(1 | 2 | 3 | 4).repeat($this + 1).take(1)"
    items = [calculated(str(n), endless) for n in range(50)]
    sheet = blank(form({"resourceType": "Questionnaire", "item": items}))
    started = time.process_time()
    with contextlib.suppress(Invalid):
        settle(sheet, HEAD)
    assert time.process_time() - started < 5


def test_a_form_has_bounds() -> None:
    with pytest.raises(Invalid):
        form({"item": [{"linkId": str(n), "type": "string"} for n in range(5001)]})
    deep: Tree = {"linkId": "x", "type": "group"}
    for _ in range(30):
        deep = {"linkId": "x", "type": "group", "item": [deep]}
    with pytest.raises(Invalid):
        form({"item": [deep]})
    many = {"linkId": "g", "type": "group", "repeats": True}
    many["item"] = [{"linkId": str(n), "type": "string"} for n in range(1000)]
    sheet = blank(form({"item": [many]}))
    with pytest.raises(TooLarge):
        typed.read(sheet, {"n0": "50"}, {})


def test_repetitions_are_added_and_taken_away() -> None:
    group = {"linkId": "g", "type": "group", "repeats": True}
    group["item"] = [{"linkId": "a", "type": "string"}]
    group["extension"] = [{"url": CORE + "questionnaire-maxOccurs", "valueInteger": 3}]
    sheet = blank(form({"item": [group, {"linkId": "s", "type": "string"}]}))
    assert typed.add(sheet, "0") == "0-1"
    assert typed.add(sheet, "0") == "0-2"
    assert typed.add(sheet, "0") == ""
    assert typed.add(sheet, "1") == ""
    typed.read(sheet, {"n0": "3", "shown": "0-0.0 0-2.0", "a0-0.0/0": "x", "a0-2.0/0": "z"}, {})
    assert typed.remove(sheet, "0-0") == "0"
    assert [line.values for line in sheet.every() if line.item.link == "a"] == [
        [],
        [("valueString", "z")],
    ]
    assert typed.remove(sheet, "0-9") == ""
    assert typed.remove(sheet, "nonsense") == ""


def test_texts_are_read_in_the_language_of_the_reader() -> None:
    said = [
        {"url": "lang", "valueCode": "es-MX"},
        {"url": "content", "valueString": "¿Fuma?"},
    ]
    item = {
        "text": "Smoke?",
        "_text": {"extension": [{"url": CORE + "translation", "extension": said}]},
    }
    assert worded(item, "text", "es") == "¿Fuma?"
    assert worded(item, "text", "de") == "Smoke?"
    assert worded({}, "text", "de") == ""


@pytest.mark.parametrize("name", known())
def test_what_comes_with_careplane_is_valid_and_can_be_filled(name: str) -> None:
    tree = questionnaire(name)
    assert [one for one in problems(tree) if one.severity in ("error", "fatal")] == []
    assert tree["url"] == f"urn:careplane:questionnaire:{name}"
    sheet = blank(form(tree))
    settle(sheet, HEAD)


def test_there_is_no_other_form() -> None:
    with pytest.raises(NotFound):
        questionnaire("../forms")


@pytest.mark.parametrize(
    ("name", "code", "total", "severity"),
    [
        ("phq-9", "LA6568-5", 0, "minimal"),
        ("phq-9", "LA6569-3", 9, "mild"),
        ("phq-9", "LA6570-1", 18, "moderately-severe"),
        ("phq-9", "LA6571-9", 27, "severe"),
        ("gad-7", "LA6568-5", 0, "minimal"),
        ("gad-7", "LA6569-3", 7, "mild"),
        ("gad-7", "LA6570-1", 14, "moderate"),
        ("gad-7", "LA6571-9", 21, "severe"),
    ],
)
def test_scores(name: str, code: str, total: int, severity: str) -> None:
    sheet = blank(form(questionnaire(name)))
    fields = {
        f"a{line.place}/0": f"http://loinc.org|{code}"
        for line in sheet.every()
        if line.item.required
    }
    type_into(sheet, fields, Known({}, NOW))
    found = answers_in(writing.items(sheet), {})
    (band,) = found["severity"]
    assert (found["total"], band["system"], band["code"]) == (
        [total], "urn:careplane:severity", severity,
    )  # fmt: skip
    assert "_display" not in band
    type_into(sheet, {next(iter(fields)): ""}, Known({}, NOW))
    assert "total" not in answers_in(writing.items(sheet), {})


def test_a_thousand_questions_are_settled_fast() -> None:
    conditions = [{"question": "0", "operator": "exists", "answerBoolean": True}]
    items: list[Tree] = [{"linkId": "0", "type": "integer"}]
    items += [
        {"linkId": str(n), "type": "string", "enableWhen": conditions} for n in range(1, 1000)
    ]
    items[-1] = calculated("999", "%resource.item.where(linkId = '0').answer.value * 2")
    sheet = blank(form({"resourceType": "Questionnaire", "item": items}))
    started = time.process_time()
    type_into(sheet, {"a0/0": "4"}, Known({}, NOW))
    assert time.process_time() - started < 1
    assert sheet.lines[-1].values == [("valueInteger", 8)]


CHAIN = [
    [
        calculated(
            str(n),
            f"%resource.descendants().where(linkId = '{n + 1}').answer.value.first() + 1",
        )
        for n in range(5)
    ],
    [
        calculated("0", "%resource.item.where(linkId = '5').answer.value + 4"),
        {
            "linkId": "late",
            "type": "group",
            "enableWhen": [{"question": "0", "operator": "=", "answerInteger": 5}],
            "item": [
                calculated("1", "3 + %resource.item.where(linkId = '5').answer.value.first()"),
                {
                    "linkId": "inner",
                    "type": "group",
                    "item": [calculated("2", "%late.answer.value - 1")],
                },
            ],
            "extension": [
                {
                    "url": CORE + "variable",
                    "valueExpression": {
                        "language": "text/fhirpath",
                        "name": "late",
                        "expression": "item.where(linkId = '1')",
                    },
                }
            ],
        },
        calculated("3", "%resource.repeat(item).where(linkId = '2').answer.value - 1"),
        calculated("4", "%resource.answers().count() - 3"),
    ],
]


@pytest.mark.parametrize(
    ("items", "values"),
    [(CHAIN[0], [6, 5, 4, 3, 2, 1]), (CHAIN[1], [5, 4, 3, 2, 3, 1])],
    ids=["reversed", "a group that is asked late"],
)
def test_what_hangs_on_what_is_settled_in_any_order(items: list[Tree], values: list[int]) -> None:
    last: Tree = {"linkId": "5", "type": "integer"}
    sheet = blank(form({"resourceType": "Questionnaire", "item": [*items, last]}))
    type_into(sheet, {f"a{len(items)}/0": "1"}, Known({}, NOW))
    found = answers_in(writing.items(sheet), {})
    assert found == {str(n): [value] for n, value in enumerate(values)}


@pytest.mark.parametrize("name", known())
def test_a_form_that_comes_with_the_house_speaks_every_language(name: str) -> None:
    """Each text, and each name of an answer; what is stored is the same in all of them."""
    of = form(questionnaire(name))
    left = []
    for language in sorted(LANGUAGES.keys() - {SOURCE}):
        texts = [(of.tree, "title"), (of.tree, "description")]
        texts += [(item.tree, "text") for item in of.every if item.tree.get("text")]
        left += [
            (language, owner[what])
            for owner, what in texts
            if worded(owner, what, language) == owner[what] and owner[what] not in ALIKE
        ]
        for item in of.every:
            here, there = options(item, {}, SOURCE), options(item, {}, language)
            assert [one.value for one in here] == [one.value for one in there]
            assert not [one for one in there if "_display" in one.value]
            left += [
                (language, one.text)
                for one, other in zip(here, there, strict=True)
                if one.text == other.text and one.text not in ALIKE
            ]
    assert left == []


ALIKE = {"General", "Palpitations"}
"""The same word in another language."""
