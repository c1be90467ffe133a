"""Languages in a real browser: chosen by mouse, by keyboard and with scripts off; right to left;
long words; and axe on the main pages of each."""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Iterator

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from tests.demo_house import served
from tests.journeys.test_pages import DEVIN, enter
from tests.looks import AXE, LOOKS
from tests.support import missing
from tools.screenshots import chromium

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(300)]

MAIN = ("/", "/patients", DEVIN, f"{DEVIN}/vitals", f"{DEVIN}/results", f"{DEVIN}/consent")
SIDE = ("/preferences", f"{DEVIN}/timeline", f"{DEVIN}/vitals/85354-9", "/records", "/validator")


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    running = os.environ.get("CAREPLANE_URL", "")
    with contextlib.nullcontext(running) if running else served() as address:
        yield address


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    if not (os.environ.get("CAREPLANE_CHROMIUM") or shutil.which("chromium")):
        missing("a Chromium; install one or set CAREPLANE_CHROMIUM")
    with chromium() as browser:
        yield browser


@pytest.mark.parametrize(
    ("language", "look", "paths"),
    [
        ("ar", "phone-dark", ("/", DEVIN, f"{DEVIN}/vitals/85354-9")),
        ("de", "phone", ("/preferences", DEVIN)),
        pytest.param("ar", "light", MAIN, marks=pytest.mark.soak),
        pytest.param("ar", "zoomed", SIDE, marks=pytest.mark.soak),
        pytest.param("de", "zoomed", MAIN + SIDE, marks=pytest.mark.soak),
        pytest.param("es", "phone", MAIN + SIDE, marks=pytest.mark.soak),
    ],
)
def test_no_page_has_a_violation_or_scrolls_sideways(
    browser: Browser, url: str, language: str, look: str, paths: tuple[str, ...]
) -> None:
    context = enter(browser, url, "physician", **LOOKS[look], locale=language)
    page = context.new_page()
    for path in paths:
        page.goto(path)
        page.wait_for_load_state("networkidle")
        html = page.locator("html")
        expect(html).to_have_attribute("lang", language)
        expect(html).to_have_attribute("dir", "rtl" if language == "ar" else "ltr")
        found = Axe().run(page, options=AXE).response["violations"]
        told = [(one["id"], [node["target"] for node in one["nodes"]][:3]) for one in found]
        assert told == [], (path, told)
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), path
    context.close()


def test_a_language_is_chosen_by_keyboard_and_stays(browser: Browser, url: str) -> None:
    context = browser.new_context(base_url=url, locale="en-GB")
    page = context.new_page()
    page.goto("/sign-in")
    page.get_by_role("button", name="Deutsch").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Anmelden")).to_be_visible()
    page.locator("button[value=physician]").click()
    expect(page.get_by_role("heading", name="Heute")).to_be_visible()
    page.goto(f"{DEVIN}/vitals/29463-7?from=footer")
    page.get_by_role("button", name="العربية").click()
    expect(page).to_have_url(f"{url}{DEVIN}/vitals/29463-7?from=footer")
    expect(page.get_by_role("link", name="المرضى")).to_be_visible()
    context.close()


def test_a_clock_is_chosen_with_scripts_off(browser: Browser, url: str) -> None:
    context = enter(browser, url, "physician", java_script_enabled=False, locale="es-CO")
    page = context.new_page()
    page.goto(f"{DEVIN}/vitals/85354-9")
    before = page.locator("table.readings tbody tr").first.inner_text()
    page.get_by_role("link", name="Horas en UTC.").click()
    page.get_by_label("Zona horaria").select_option("Asia/Kathmandu")
    page.get_by_role("button", name="Guardar").click()
    expect(page.get_by_role("link", name="Horas en Asia/Kathmandu.")).to_be_visible()
    after = page.locator("table.readings tbody tr").first.inner_text()
    assert _minutes(after) - _minutes(before) in (345, 345 - 1440)
    context.close()


def _minutes(row: str) -> int:
    hours, _, minutes = row.split("\t")[0].split()[-1].partition(":")
    return int(hours) * 60 + int(minutes)


def test_the_browser_tells_its_own_clock(browser: Browser, url: str) -> None:
    context = enter(browser, url, "", timezone_id="America/Bogota", locale="de-DE")
    page = context.new_page()
    page.goto("/sign-in")
    page.locator("button[value=physician]").click()
    expect(page.get_by_role("link", name="Zeiten in America/Bogota.")).to_be_visible()
    context.close()


_FIRST_BEFORE_SECOND = """(element) => {
  const walker = document.createTreeWalker(element, NodeFilter.SHOW_TEXT);
  const at = (text) => {
    walker.currentNode = element;
    for (let node = walker.nextNode(); node; node = walker.nextNode()) {
      const index = node.data.indexOf(text);
      if (index < 0) continue;
      const range = document.createRange();
      range.setStart(node, index);
      range.setEnd(node, index + text.length);
      return range.getBoundingClientRect().left;
    }
    throw new Error(`${text} is not there`);
  };
  const [first, second] = element.innerText.split(" / ");
  return [at(first), at(second.trim().split(/\\s/)[0])];
}"""


def test_values_keep_their_order_from_right_to_left(browser: Browser, url: str) -> None:
    context = enter(browser, url, "physician", locale="ar")
    page = context.new_page()
    page.goto(f"{DEVIN}/vitals/85354-9")
    systolic, diastolic = _places(page, "table.readings td .value")
    assert systolic < diastolic
    low, high = _places(page, "table.readings tr td:last-child")
    assert low < high
    plot = page.locator("trend-plot").bounding_box()
    assert plot is not None
    assert plot["width"] > 300
    context.close()


def _places(page: Page, selector: str) -> list[float]:
    found: list[float] = page.locator(selector).first.evaluate(_FIRST_BEFORE_SECOND)
    return found
