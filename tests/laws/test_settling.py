"""What a form asks and calculates, looked at by what has changed, is what looking at all of it
again and again comes to."""

from __future__ import annotations

import copy
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from careplane.care.forms import typed, writing
from careplane.care.forms.definition import Form, form
from careplane.care.forms.settling import Round, settle
from careplane.care.forms.sheet import Sheet, blank
from careplane.fhir.tree import Tree
from careplane.fhir.validation.forms.expressions import Expressions
from careplane.kernel.errors import Invalid
from tests.forms_house import expression

HEAD: Tree = {"resourceType": "QuestionnaireResponse", "questionnaire": "http://example.org/q"}
LINKS = [str(n) for n in range(9)]
ROUNDS = 100

links = st.sampled_from(LINKS)
paths = st.sampled_from(
    ["%resource.item", "%resource.descendants()", "%resource.repeat(item)", "%context.item", "item",
     "%resource.repeat(item | answer.item)", "%rootResource.item.item", "%all"]
)  # fmt: skip


@st.composite
def values(draw: st.DrawFn) -> str:
    """An expression that is a number: of one question, of many, or of what is around."""
    near = st.builds(
        "%resource.descendants().where(linkId = '{}').answer.value.first()".format, links
    )
    return draw(
        near
        | near
        | st.one_of(
            st.builds("{}.where(linkId = '{}').answer.value.first()".format, paths, links),
            st.builds("{}.where(linkId = '{}').answer.value.sum()".format, paths, links),
            st.builds("{}.where(linkId != '{}').count()".format, paths, links),
            st.builds("%v{}.first()".format, links),
            st.builds("%resource.descendants().where(linkId = '{}').count()".format, links),
            st.sampled_from(["answer.value.first()", "%resource.answers().count()", "1"]),
        )
    )


@st.composite
def extensions(draw: st.DrawFn, link: str) -> list[Tree]:
    found = []
    if draw(st.booleans()):
        text = f"iif({draw(values())}.exists(), ({draw(values())} + {draw(values())}) mod 7, 1)"
        found.append(expression("calculatedExpression", text))
    if draw(st.integers(0, 3)) == 0:
        found.append(expression("enableWhenExpression", f"{draw(values())} > {draw(values())}"))
    if draw(st.integers(0, 3)) == 0:
        found.append(expression("variable", draw(values()), called=f"v{link}"))
    return found


@st.composite
def items(draw: st.DrawFn, given: tuple[str, ...], depth: int = 0) -> list[Tree]:
    made: list[Tree] = []
    left = list(given)
    while left:
        link = left.pop(0)
        is_group = depth < 2 and draw(st.integers(0, 3)) == 0
        item: dict[str, Any] = {"linkId": link, "type": "group" if is_group else "integer"}
        found = draw(extensions(link))
        if is_group:
            found = [one for one in found if not one["url"].endswith("calculatedExpression")]
        if found:
            item["extension"] = found
        if draw(st.integers(0, 3)) == 0:
            exists = {"operator": "exists", "answerBoolean": draw(st.booleans())}
            item["enableWhen"] = [{"question": draw(links), **exists}]
        if depth < 2 and left and (is_group or draw(st.integers(0, 4)) == 0):
            inside = draw(st.integers(1, len(left)))
            item["item"] = draw(items(tuple(left[:inside]), depth + 1))
            left = left[inside:]
        if is_group and draw(st.booleans()):
            item["repeats"] = True
        made.append(item)
    return made


@st.composite
def forms(draw: st.DrawFn) -> Form:
    everything = [expression("variable", draw(values()), called="all")]
    return form(
        {
            "resourceType": "Questionnaire",
            "url": HEAD["questionnaire"],
            "extension": everything,
            "item": draw(items(tuple(LINKS))),
        }
    )


def from_scratch(sheet: Sheet) -> bool:
    """Look at everything until nothing changes; false where that has no end."""
    for _ in range(min(sheet.form.rounds, ROUNDS)):
        response = writing.skeleton(sheet, HEAD)
        if not Round(sheet, response, Expressions(response, sheet.form.tree), None).changes:
            return True
        sheet.number()
    return False


def standing(sheet: Sheet) -> list[Any]:
    return [(line.place, line.is_asked, line.values) for line in sheet.every()]


@settings(deadline=None, max_examples=120)
@given(forms(), st.dictionaries(links, st.integers(0, 3)), st.integers(1, 3))
def test_what_is_left_out_would_have_changed_nothing(
    of: Form, answers: dict[str, int], repeats: int
) -> None:
    sheet = blank(of)
    fields = {}
    for line in sheet.every():
        if line.item.is_group and line.item.repeats:
            fields[f"n{line.place}"] = str(repeats)
        if line.item.is_question and line.item.link in answers:
            fields[f"a{line.place}/0"] = str(answers[line.item.link])
    shown = " ".join(line.place for line in sheet.every())
    typed.read(sheet, {**fields, "shown": shown}, {})
    other = copy.deepcopy(sheet)
    ends = from_scratch(other)
    try:
        settle(sheet, HEAD)
    except Invalid:
        assert not ends
    else:
        assert ends
        assert standing(sheet) == standing(other)
