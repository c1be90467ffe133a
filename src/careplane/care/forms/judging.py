"""What is wrong with a filled form: told at its lines, by the rules that hold for every
QuestionnaireResponse (`fhir.validation.forms`)."""

from __future__ import annotations

from careplane.care.forms.choices import Expansions
from careplane.care.forms.settling import NOBODY, Known
from careplane.care.forms.sheet import Line, Sheet
from careplane.care.forms.writing import has_answer, skeleton
from careplane.fhir.tree import Tree
from careplane.fhir.validation.forms import response_problems
from careplane.kernel.errors import Issue

UNANSWERED = "A required group has no items"


def judge(sheet: Sheet, head: Tree, expansions: Expansions, known: Known = NOBODY) -> list[Issue]:
    """The errors of a settled sheet as if it were completed: each at its line (`problems`), and
    those of the form as a whole in what is returned."""
    for line in sheet.every():
        line.problems = []
    response = skeleton(sheet, {**head, "status": "completed"})
    places: dict[str, Line] = {}
    _places(sheet.lines, "QuestionnaireResponse", places)
    members = {
        url: {(coding.get("system"), coding.get("code")) for coding in one.codings}
        for url, one in expansions.items()
        if one.is_whole
    }

    def in_set(system: str, code: str, url: str) -> bool | None:
        known_codes = members.get(url)
        return None if known_codes is None else (system, code) in known_codes

    loose = []
    found = response_problems(
        response,
        lambda _: sheet.form.tree,
        "QuestionnaireResponse",
        in_set,
        known.names,
        known.now or None,
    )
    for issue in found:
        if issue.severity not in ("error", "fatal"):
            continue
        at = _line_of(issue.where, places)
        if at is None:
            loose.append(issue)
        elif issue.text not in at.problems:
            at.problems.append(issue.text)
    for line in sheet.every():
        if (
            line.item.is_group
            and line.item.required
            and line.is_asked
            and not has_answer(line, asked=True)
        ):
            line.problems.append(UNANSWERED)
    return loose


def _places(lines: list[Line], where: str, places: dict[str, Line]) -> None:
    """The line of each item, by its place in the response."""
    index = 0
    for line in lines:
        if line.item.is_group:
            for repeat in line.repeats:
                here = f"{where}.item[{index}]"
                places[here] = line
                if line.is_asked:
                    _places(repeat.lines, here, places)
                index += 1
        elif line.item.is_question:
            here = f"{where}.item[{index}]"
            places[here] = line
            counted = (e for e in line.entries if e.value is not None)
            for n, entry in enumerate(counted if line.is_asked else ()):
                _places(entry.lines, f"{here}.answer[{n}]", places)
            index += 1


def _line_of(where: str, places: dict[str, Line]) -> Line | None:
    """That of the nearest item around a place."""
    while where:
        if where in places:
            return places[where]
        where = where.rpartition(".")[0]
    return None
