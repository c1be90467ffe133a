"""On paper: every view of the chart prints with the banner on each page, numbered, black on white,
with nothing to click; and the summary as PDF, in several scripts, for several roles."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page
from pypdf import PdfReader

from careplane.web.pages.chart import TABS
from tests.journeys.test_pages import browser, enter, url

__all__ = ["browser", "url"]
pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(300)]
DEVIN = "/patients/devin-bailey"
VIEWS = (*(DEVIN if key == "summary" else f"{DEVIN}/{key}" for key in TABS),
         f"{DEVIN}/vitals/29463-7", f"{DEVIN}/results/33762-6")  # fmt: skip
OTHERS = ("/patients", "/records/Observation?code=4548-4", "/records/CarePlan/devin-bailey-plan")
CLICKED = ("Sign out", "Find a patient", "For developers", "Make a QR code", "Skip to the content")


@pytest.fixture(scope="module")
def page(browser: Browser, url: str) -> Iterator[Page]:
    """Of a physician who likes it dark."""
    context = enter(browser, url, "physician", color_scheme="dark", reduced_motion="reduce")
    yield context.new_page()
    context.close()


def printed(page: Page, path: str) -> list[str]:
    """What stands on each sheet."""
    page.goto(path)
    file = page.pdf(prefer_css_page_size=True)
    return [sheet.extract_text() for sheet in PdfReader(io.BytesIO(file)).pages]


@pytest.mark.parametrize("path", VIEWS)
def test_each_view_of_the_chart_prints_with_its_banner(page: Page, path: str) -> None:
    sheets = printed(page, path)
    for number, text in enumerate(sheets, 1):
        assert "BAILEY, Devin" in text
        assert "DEMO-0001" in text
        assert "Allergy to penicillin" in text
        assert f"{number} / {len(sheets)}" in text
        assert [words for words in CLICKED if words in text] == []


@pytest.mark.parametrize("path", OTHERS)
def test_other_pages_print_numbered_and_without_navigation(page: Page, path: str) -> None:
    sheets = printed(page, path)
    for number, text in enumerate(sheets, 1):
        assert f"{number} / {len(sheets)}" in text
        assert [words for words in CLICKED if words in text] == []


def test_paper_is_black_on_white_in_the_dark(page: Page) -> None:
    sheet = page.context.new_page()  # of its own, for what is emulated stays
    sheet.goto(DEVIN)
    ink = "getComputedStyle(document.documentElement).color"
    assert sheet.evaluate(ink) != "rgb(0, 0, 0)"
    sheet.emulate_media(media="print", color_scheme="dark")
    assert sheet.evaluate(ink) == "rgb(0, 0, 0)"
    white = "getComputedStyle(document.documentElement).backgroundColor"
    assert sheet.evaluate(white) == "rgb(255, 255, 255)"
    sheet.close()


def sheets_of(page: Page, patient: str, **headers: str) -> PdfReader:
    """The summary as PDF."""
    answer = page.context.request.get(f"/patients/{patient}/share/summary.pdf", headers=headers)
    assert answer.status == 200
    assert answer.headers["content-type"] == "application/pdf"
    assert "no-store" in answer.headers["cache-control"]
    return PdfReader(io.BytesIO(answer.body()))


def test_the_summary_has_the_banner_on_each_page_and_is_tagged(page: Page) -> None:
    read = sheets_of(page, "devin-bailey")
    texts = [sheet.extract_text() for sheet in read.pages]
    assert len(texts) > 1
    for number, text in enumerate(texts, 1):
        assert "BAILEY, Devin" in text
        assert "Allergies: Allergy to penicillin" in text
        assert re.search(rf"Page\s+{number} / {len(texts)}", text)
    assert "Heart failure with reduced ejection fraction" in texts[0]
    assert read.metadata is not None
    assert read.metadata.title == "Summary of the record"
    root = read.trailer["/Root"].get_object()
    assert "/StructTreeRoot" in root
    assert round(float(read.pages[0].mediabox.width)) == 595


def test_paper_is_of_the_size_of_the_place(page: Page) -> None:
    read = sheets_of(page, "devin-bailey", **{"Accept-Language": "en-US,en;q=0.9"})
    assert round(float(read.pages[0].mediabox.width)) == 612


@pytest.mark.parametrize(
    ("patient", "latin"), [("layla-haddad", "HADDAD"), ("kenichi-sato", "SATO")]
)
def test_names_in_other_scripts_are_set(page: Page, patient: str, latin: str) -> None:
    read = sheets_of(page, patient)
    text = read.pages[0].extract_text()
    assert latin in text
    fonts = {
        str(font.get_object()["/BaseFont"])
        for font in read.pages[0]["/Resources"]["/Font"].values()
    }
    assert any("NotoSansArabic" in font for font in fonts) == (patient == "layla-haddad")


def test_the_front_desk_prints_who_but_nothing_clinical(browser: Browser, url: str) -> None:
    context = enter(browser, url, "front-desk")
    text = "".join(
        sheet.extract_text() for sheet in sheets_of(context.new_page(), "devin-bailey").pages
    )
    assert "BAILEY, Devin" in text
    assert "Allergies: Not shown" in text
    assert "Heart failure" not in text
    context.close()
