"""The summary on paper: what is said stays text, tables break, letters without a font are told."""

from __future__ import annotations

import io
from datetime import date
from typing import Any

import pytest
from msgspec.structs import replace
from pypdf import PdfReader

from careplane.fhir.lines import Line
from careplane.sharing.ips.gather import Part
from careplane.sharing.ips.sections import SECTIONS
from careplane.sharing.paper.paper import Paper, Section, pdf
from careplane.web.chart.paper import summary
from tests.sharing_house import AROUND

pytestmark = pytest.mark.anyio
PERSON = {**next(one for one in AROUND if one["id"] == "p"), "name": [{"family": "Quinn"}]}
MARKUP = '#emph[x] *b* $x^2$ `c` <a> @b \\ // c "q" #read("/etc/passwd") [#panic()]'


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


def made(allergies: list[Line], **more: Any) -> Paper:
    part = next(Part(one, **more) for one in SECTIONS if one.key == "allergies")
    return summary(PERSON, [(part, allergies)], "en", date(2026, 11, 28), "a4")


async def sheets(paper: Paper) -> list[str]:
    return [one.extract_text() for one in PdfReader(io.BytesIO(await pdf(paper))).pages]


async def test_markup_in_a_record_stays_text() -> None:
    section = Section(MARKUP, [MARKUP], [[MARKUP]], MARKUP)
    (text,) = await sheets(replace(made([]), sections=[section], foot=MARKUP))
    assert text.count('#read("/etc/passwd")') == 5
    assert "root:" not in text


async def test_a_long_table_goes_on_with_the_banner_and_its_head() -> None:
    rows = [[f"Row {n}", "x" * 200] for n in range(300)]
    paper = replace(made([]), sections=[Section("Results", ["What", "Details"], rows, "")])
    found = await sheets(paper)
    assert len(found) > 5
    assert all("QUINN" in text and "Details" in text for text in found)
    assert "Row 299" in found[-1]


async def test_letters_that_no_font_has_are_said() -> None:
    said = "Some letters cannot be shown"
    (plain,) = await sheets(made([]))
    assert said not in plain
    (other,) = await sheets(made([Line("AllergyIntolerance/a", "\U00017000")]))
    assert said in other


@pytest.mark.parametrize(
    ("names", "more", "said"),
    [
        ((), {}, "Allergies: Nothing is recorded here."),
        ((), {"withheld": True}, "Allergies: Not shown: not open to your role."),
        (("Egg", "Nut", "Egg"), {}, "Allergies: Egg, Nut"),
        (("A", "B", "C", "D", "E", "F"), {}, "Allergies: A, B, C, D, E …"),
    ],
)
def test_the_banner_says_what_is_known_of_allergies(
    names: tuple[str, ...], more: dict[str, Any], said: str
) -> None:
    rows = [Line(f"AllergyIntolerance/{n}", name) for n, name in enumerate(names)]
    assert made(rows, **more).banner.allergies == said
