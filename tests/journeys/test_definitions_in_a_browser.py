"""Terminology, packages and the validator in a real browser: axe, the keyboard, no scripts."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.demo_house import served
from tests.journeys.test_pages import enter
from tests.looks import violations
from tests.support import missing
from tools.screenshots import ACTS, CHECK, FEMALE, PROFILE, TREE, WRONG, chromium

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(300)]

PAGES = (
    "/terminology?q=gender",
    TREE,
    f"{ACTS}&q=account",
    FEMALE,
    "/terminology/value-set?url=http://hl7.org/fhir/ValueSet/administrative-gender",
    "/terminology/concept-map?url=http://hl7.org/fhir/ConceptMap/cm-administrative-gender-v3",
    "/packages",
    "/packages/package?id=hl7.fhir.r4.core%234.0.1&type=StructureDefinition&q=blood",
    PROFILE,
    CHECK,
)
CHOSEN = ("light", "dark", "phone")


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with served() as address:
        yield address


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    if not (os.environ.get("CAREPLANE_CHROMIUM") or shutil.which("chromium")):
        missing("a Chromium; install one or set CAREPLANE_CHROMIUM")
    with chromium() as browser:
        yield browser


@pytest.fixture(scope="module")
def context(browser: Browser, url: str) -> Iterator[BrowserContext]:
    context = enter(browser, url, "physician", reduced_motion="reduce")
    yield context
    context.close()


@pytest.fixture
def page(context: BrowserContext) -> Iterator[Page]:
    """Whatever the console complains of fails the test."""
    page = context.new_page()
    complaints: list[str] = []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("console", lambda m: complaints.append(m.text) if m.type == "error" else None)
    yield page
    page.close()
    assert complaints == []


def check(page: Page) -> None:
    """Have the wrong resource looked at."""
    page.goto(CHECK)
    page.locator("#resource").fill(WRONG)
    page.get_by_role("button", name="Validate").click()
    expect(page.locator("#outcome")).to_contain_text("errors")


def test_axe_finds_nothing(page: Page) -> None:
    seen: list[str] = []
    for path in PAGES:
        page.goto(path)
        seen += violations(page, looks=CHOSEN)
    check(page)
    seen += violations(page, looks=CHOSEN)
    assert not seen, "\n".join(seen)


def test_a_tree_opens_in_place_by_keyboard(page: Page) -> None:
    page.goto(ACTS)
    page.evaluate("window.same = true")
    twig = page.get_by_role("link", name="What is below ActAccountCode")
    twig.focus()
    page.keyboard.press("Enter")
    expect(twig).to_have_attribute("aria-expanded", "true")
    expect(page.locator("#tree")).to_contain_text("credit card")
    expect(twig).to_be_focused()
    page.get_by_role("link", name="What is below credit card").press("Enter")
    expect(page.locator("#tree")).to_contain_text("American Express")
    assert page.evaluate("window.same"), "the whole page was loaded again"
    twig.press("Enter")
    expect(twig).to_have_attribute("aria-expanded", "false")
    expect(page.locator("#tree")).not_to_contain_text("American Express")


def test_concepts_are_found_while_one_types(page: Page) -> None:
    page.goto(ACTS)
    page.evaluate("window.same = true")
    page.get_by_role("searchbox", name="Words of a concept").press_sequentially("american")
    expect(page.locator("#results tbody tr")).to_have_count(1)
    expect(page.get_by_role("searchbox", name="Words of a concept")).to_be_focused()
    assert page.evaluate("window.same"), "the whole page was loaded again"
    page.get_by_role("link", name="AE", exact=True).click()
    expect(page.locator("h1")).to_have_text("American Express")
    page.get_by_role("link", name="CC credit card").click()
    page.get_by_role("link", name="Show the way in the tree").click()
    expect(page.locator("#tree")).to_contain_text("credit card")


def test_the_list_of_problems_leads_to_their_lines_and_back(page: Page) -> None:
    check(page)
    expect(page.locator("#outcome")).to_be_focused()
    expect(page).to_have_title(re.compile(r"^\d+ problems"))
    line = page.locator(".found a", has_text="Line 7")
    line.focus()
    page.keyboard.press("Enter")
    note = page.locator(".note:target")
    expect(note).to_contain_text("no such element")
    expect(note).to_be_in_viewport()
    expect(page.locator("#l7")).to_contain_text("efectiveDateTime")
    page.keyboard.press("Tab")
    expect(note.get_by_role("link", name="To the list")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#outcome")).to_be_in_viewport()
    by = page.locator(".found a[href*='#Observation']").first
    element = (by.get_attribute("href") or "").partition("#")[2]
    by.click()
    expect(page.locator("tr:target")).to_have_attribute("id", element)


def test_a_file_is_taken(page: Page, tmp_path: Path) -> None:
    file = tmp_path / "patient.xml"
    file.write_text('<Patient xmlns="http://hl7.org/fhir">\n<gender value="x"/>\n</Patient>')
    page.goto("/validator")
    page.locator("#file").set_input_files(file)
    expect(page.locator("#resource")).to_have_value(re.compile("^<Patient"))
    page.get_by_role("button", name="Validate").click()
    expect(page.locator("#l2 .note")).to_contain_text("not in the value set")


def test_it_all_works_with_scripts_off(browser: Browser, url: str) -> None:
    context = browser.new_context(base_url=url, java_script_enabled=False)
    page = context.new_page()
    page.goto(ACTS)
    page.get_by_role("button", name=re.compile("^Nurse")).click()
    page.get_by_role("link", name="What is below ActAccountCode").click()
    expect(page.locator("#tree")).to_contain_text("credit card")
    page.get_by_role("searchbox", name="Words of a concept").fill("american")
    page.get_by_role("button", name="Search", exact=True).click()
    expect(page.locator("#results tbody tr")).to_have_count(1)
    page.goto("/validator")
    expect(page.locator("#file")).to_be_hidden()
    check(page)
    page.locator(".found a", has_text="Line 7").click()
    expect(page.locator(".note:target")).to_be_in_viewport()
    context.close()
