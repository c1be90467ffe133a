"""Questions of the profile engine about codes, answered from terminology."""

from __future__ import annotations

from typing import Any

import pytest

from careplane.fhir.profiles import CodeQuestion, Verdict
from careplane.fhir.profiles.ports import UNKNOWN
from careplane.records.profiles.codes import Answers, verdict
from careplane.terminology.resources import Resources

pytestmark = pytest.mark.anyio
OWN, LOINC, PART = "http://a.test/cs", "http://loinc.org", "http://a.test/part"
VS = "http://a.test/ValueSet/"


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


def value_set(id: str, *include: dict[str, Any], **more: Any) -> dict[str, Any]:
    compose = {"compose": {"include": list(include)} | more} if include else more
    return {"resourceType": "ValueSet", "url": VS + id, "status": "active"} | compose


def code_system(url: str, content: str, *codes: str, **more: Any) -> dict[str, Any]:
    concepts = [{"code": code, "display": f"The {code}"} for code in codes]
    return {
        "resourceType": "CodeSystem", "url": url, "status": "active", "content": content,
        "caseSensitive": True, "concept": concepts, **more,
    }  # fmt: skip


def listed(system: str, *codes: str) -> dict[str, Any]:
    return {"system": system, "concept": [{"code": code} for code in codes]}


LIBRARY = Resources(
    [
        code_system(OWN, "complete", "a", "b", "c"),
        code_system(PART, "fragment", "a"),
        code_system("http://a.test/supplement", "supplement", supplements=OWN),
        value_set("all", {"system": OWN}),
        value_set("listed", listed(LOINC, "1-1", "2-2")),
        value_set("loinc", {"system": LOINC}),
        value_set("both", {"system": OWN}, listed(LOINC, "1-1")),
        value_set("less", {"system": OWN}, exclude=[listed(OWN, "b")]),
        value_set("round", {"valueSet": [VS + "round"]}),
        value_set("lost", {"valueSet": [VS + "nowhere"]}),
        value_set("empty"),
        value_set("stored", expansion={"contains": [{"system": LOINC, "code": "1-1"}]}),
        value_set("within", {"system": OWN, "valueSet": [VS + "less"]}),
    ]
)
MIME = "http://hl7.org/fhir/ValueSet/mimetypes"
YES, NO = Verdict(True), Verdict(False)


@pytest.mark.parametrize(
    ("set", "system", "code", "expected"),
    [
        ("all", OWN, "a", YES),
        ("all", OWN, "x", NO),
        ("all", LOINC, "a", NO),
        ("all", "", "a", YES),
        ("all", "", "x", NO),
        ("listed", LOINC, "1-1", YES),  # what a set lists is told without the code system
        ("listed", LOINC, "3-3", NO),
        ("listed", "", "2-2", YES),
        ("loinc", LOINC, "1-1", UNKNOWN),
        ("loinc", "", "1-1", UNKNOWN),
        ("loinc", OWN, "a", NO),
        ("both", OWN, "a", YES),
        ("both", LOINC, "1-1", YES),
        ("both", LOINC, "2-2", NO),
        ("less", OWN, "a", YES),
        ("less", OWN, "b", NO),
        ("within", OWN, "a", YES),
        ("within", OWN, "b", NO),
        ("stored", LOINC, "1-1", YES),
        ("stored", LOINC, "2-2", NO),
        ("empty", OWN, "a", UNKNOWN),
        ("round", OWN, "a", UNKNOWN),
        ("lost", OWN, "a", UNKNOWN),
        ("nowhere", OWN, "a", UNKNOWN),
        ("all", OWN, "x" * 1_000_000, NO),
    ],
)
async def test_whether_a_code_is_in_a_value_set(
    set: str, system: str, code: str, expected: Verdict
) -> None:
    assert await verdict(LIBRARY, CodeQuestion(system, code, value_set=VS + set)) == expected


@pytest.mark.parametrize(("code", "expected"), [("json", YES), ("ttl", YES), ("text/x", UNKNOWN)])
async def test_r4_names_its_formats_in_short(code: str, expected: Verdict) -> None:
    assert await verdict(LIBRARY, CodeQuestion("", code, value_set=f"{MIME}|4.0.1")) == expected


@pytest.mark.parametrize(
    ("system", "code", "display", "expected"),
    [
        (OWN, "a", "", YES),
        (OWN, "a", "the  A", YES),
        (OWN, "a", "Another", Verdict(True, "", "The a")),
        (OWN, "x", "", NO),
        (PART, "a", "", YES),
        (PART, "x", "", UNKNOWN),
        (LOINC, "1-1", "", UNKNOWN),
        ("http://a.test/supplement", "a", "", Verdict(None, supplement=True)),
    ],
)
async def test_whether_a_code_is_one_of_its_system(
    system: str, code: str, display: str, expected: Verdict
) -> None:
    assert await verdict(LIBRARY, CodeQuestion(system, code, display=display)) == expected


def test_answers_are_at_hand_for_a_while() -> None:
    answers = Answers()
    answers.renew()
    asked = CodeQuestion(OWN, "a", value_set=VS + "all")
    assert answers.get(asked) is None
    for question, found in (
        (asked, YES),
        (CodeQuestion(OWN, "x", value_set=VS + "all"), NO),
        (CodeQuestion(LOINC, "1", value_set=VS + "all"), UNKNOWN),
        (CodeQuestion(OWN, "a", display="x"), Verdict(True, "", "The a")),
        (CodeQuestion(OWN, "s"), Verdict(None, supplement=True)),
        (CodeQuestion(OWN, "v", version="2"), YES),
        (CodeQuestion(LOINC, "718-7"), UNKNOWN),
        (CodeQuestion(LOINC, "718-8"), UNKNOWN),
    ):
        answers.note(question, found)
    answers.renew()
    assert answers.get(asked) == YES
    assert answers.triples == {
        (VS + "all", OWN, "a"): True,
        (VS + "all", OWN, "x"): False,
        (VS + "all", LOINC, "1"): True,
        ("", OWN, "a"): True,
        ("", OWN, "s"): False,
        ("", LOINC, "718-7"): True,
        ("", LOINC, "718-8"): False,  # its check digit is wrong
    }
