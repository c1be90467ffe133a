"""The pages in a real browser: the story, axe on every page, the keyboard, no scripts, print.

The demo is served by `careplane serve --demo`, or is the one at `CAREPLANE_URL`. Chromium is the
one of this machine (`CAREPLANE_CHROMIUM`, or on PATH).
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from careplane.web.pages.story import STEPS
from tests.demo_house import served
from tests.looks import LOOKS, QUICK, violations
from tests.support import missing
from tools.screenshots import chromium

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(300)]

DEVIN = "/patients/devin-bailey"
PAGES = (
    "/",
    "/patients",
    "/patients?name=nobody-is-called-so",
    "/patients?born=tomorrow",
    DEVIN,
    f"{DEVIN}/timeline",
    f"{DEVIN}/problems",
    f"{DEVIN}/medications",
    f"{DEVIN}/allergies",
    f"{DEVIN}/immunizations",
    f"{DEVIN}/vitals",
    f"{DEVIN}/vitals/85354-9",
    f"{DEVIN}/results",
    f"{DEVIN}/results/33762-6",
    f"{DEVIN}/consent",
    "/emergency",
    f"{DEVIN}/apps",
    "/apps",
    "/patients/layla-haddad",
    "/patients/kenichi-sato/vitals",
    "/patients/parker-casper",
    "/records",
    "/records/Observation?code=4548-4",
    "/records/Observation?value-quantity=much&nonsense=1",
    "/records/Patient/layla-haddad",
    "/records/CarePlan/devin-bailey-plan",
    "/records/Patient/devin-bailey/history",
    "/records/Patient/devin-bailey/history/1",
    "/records/Patient/devin-bailey/json",
    "/records/Patient/nobody",
    "/nowhere",
)
AUDIT = (f"{DEVIN}/access", f"{DEVIN}/disclosures?extended=true", "/audit")
SEEN = (
    ("", ("/sign-in", "/story")),
    ("physician", PAGES[::2]),
    ("physician", PAGES[1::2]),
    ("front-desk", (DEVIN, "/")),
    ("administrator", AUDIT),
    ("patient", (f"{DEVIN}/access",)),
)


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


def enter(browser: Browser, url: str, role: str, **look: object) -> BrowserContext:
    """A browser of its own, signed in: the form of the role picker is sent, and not shown."""
    context = browser.new_context(base_url=url, **look)  # type: ignore[arg-type]
    context.set_default_timeout(10_000)
    if role:
        answer = context.request.post("/sign-in", form={"role": role}, max_redirects=0)
        assert answer.status == 303, answer.text()
    return context


def settle(page: Page, path: str) -> None:
    """Open a page and wait until its plots are drawn."""
    page.goto(path)
    plots = page.locator("trend-plot").count()
    if plots:
        expect(page.locator("trend-plot canvas")).to_have_count(plots)


@pytest.fixture
def page(browser: Browser, url: str) -> Iterator[Page]:
    """A physician's browser; whatever the console complains of fails the test."""
    context = enter(browser, url, "physician", reduced_motion="reduce")
    page = context.new_page()
    complaints: list[str] = []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("console", lambda m: complaints.append(m.text) if m.type == "error" else None)
    yield page
    context.close()
    assert [text for text in complaints if "status of 40" not in text] == []


@pytest.mark.parametrize("looks", [QUICK, pytest.param(tuple(LOOKS), marks=pytest.mark.soak)])
@pytest.mark.parametrize(("role", "paths"), SEEN)
def test_axe_finds_nothing_on_any_page(
    browser: Browser, url: str, role: str, paths: tuple[str, ...], looks: tuple[str, ...]
) -> None:
    """A page is opened once: what it looks like is up to its style sheet."""
    context = enter(browser, url, role, reduced_motion="reduce")
    page = context.new_page()
    found: list[str] = []
    for path in paths:
        settle(page, path)
        found += violations(page, path, looks)
    context.close()
    assert not found, "\n".join(found)


def test_pages_fit_a_small_phone(browser: Browser, url: str) -> None:
    """Narrower than the one that axe looks at."""
    width = 320
    context = enter(browser, url, "physician", viewport={"width": width, "height": 800})
    page = context.new_page()
    wide = []
    for path in PAGES:
        settle(page, path)
        if page.evaluate("document.documentElement.scrollWidth") > width:
            wide.append(path)
    context.close()
    assert not wide


def test_the_story_from_the_alarm_to_the_appointment(page: Page) -> None:
    page.goto("/")
    alert = page.locator(".item.alert").first
    expect(alert).to_contain_text("BAILEY, Devin")
    expect(alert).to_contain_text("oxygen saturation below 90 %")
    alert.get_by_role("link", name=re.compile("Vital signs")).click()
    expect(page).to_have_url(re.compile(f"{DEVIN}/vitals$"))
    banner = page.locator(".banner")
    expect(banner).to_contain_text("DEMO-0001")
    expect(banner).to_contain_text("Allergy to penicillin")
    page.get_by_role("link", name="Body weight", exact=True).click()
    expect(page.locator("h1")).to_have_text("Body weight")
    expect(page.locator("trend-plot canvas")).to_be_visible()
    expect(page.locator(".readings tbody tr")).to_have_count(60)
    expect(page.locator(".readings tbody tr").first).to_contain_text("▲ High")
    page.get_by_role("link", name="Results", exact=True).click()
    expect(page.locator("table.sheet tr", has_text="NT-proBNP")).to_contain_text("Critical high")
    page.get_by_role("link", name="Summary", exact=True).click()
    page.get_by_role("link", name="Heart failure review").click()
    expect(page.locator("h1")).to_contain_text("Appointment")


def test_the_story_is_told_from_its_page(browser: Browser, url: str) -> None:
    """Each step leads where it says, as who it says."""
    context = browser.new_context(base_url=url)
    page = context.new_page()
    page.goto("/sign-in")
    page.get_by_role("link", name="Or follow a story of two minutes.").click()
    steps = page.locator(".story button").count()
    assert steps == len(STEPS)
    for place, step in enumerate(STEPS):
        page.goto("/story")
        page.locator(".story button").nth(place).click()
        expect(page).to_have_url(re.compile(re.escape(step.path) + "$"))
        name = "Devin Bailey" if step.role == "patient" else "Dr. Elizbeth Ratke"
        expect(page.locator(".me")).to_contain_text(name)
        assert "Something went wrong" not in page.content()
    context.close()


def test_the_list_searches_while_one_types(page: Page) -> None:
    page.goto("/patients")
    page.evaluate("window.same = true")
    page.get_by_label("Name", exact=True).press_sequentially("cremi")
    expect(page.locator("#results tbody tr")).to_have_count(1)
    expect(page.locator("#results")).to_contain_text("CREMIN, Silvana")
    expect(page).to_have_url(re.compile("name=cremi"))
    assert page.evaluate("window.same"), "the whole page was loaded again"
    expect(page.get_by_label("Name", exact=True)).to_be_focused()
    page.reload()
    expect(page.locator("#results tbody tr")).to_have_count(1)
    born = page.get_by_label("Date of birth")
    born.press_sequentially("196", delay=400)  # no year yet, and the search says so
    expect(page.locator("#results .problem")).to_contain_text("birthdate")
    born.press_sequentially("5")
    expect(page.locator("#results tbody tr")).to_have_count(1)


def test_a_tab_is_swapped_in_and_read_from_its_start(page: Page) -> None:
    page.goto(DEVIN)
    page.evaluate("window.same = true")
    page.get_by_role("link", name="Vital signs", exact=True).click()
    expect(page.locator("h1")).to_have_text("Vital signs")
    expect(page).to_have_url(re.compile(f"{DEVIN}/vitals$"))
    expect(page).to_have_title(re.compile("^Vital signs"))
    expect(page.locator(".tabs [aria-current]")).to_have_text("Vital signs")
    expect(page.locator("trend-plot canvas").first).to_be_visible()
    expect(page.locator("main")).to_be_focused()
    assert page.evaluate("window.same"), "the whole page was loaded again"
    page.go_back()
    expect(page.locator("h1")).to_have_text("Summary")


@pytest.mark.parametrize(
    ("text", "expected"),
    [("DEMO-0003", "CUMMINGS, Barrett"), ("haddad", "ليلى حداد"), ("佐藤", "SATO, Kenichi")],
)
def test_a_patient_is_found_from_any_page(page: Page, text: str, expected: str) -> None:
    page.goto("/records")
    page.get_by_label("Find a patient").fill(text)
    page.keyboard.press("Enter")
    expect(page.locator("#results tbody tr")).to_have_count(1)
    expect(page.locator("#results")).to_contain_text(expected)


def test_a_name_in_another_script_says_its_language_and_direction(page: Page) -> None:
    page.goto("/patients/layla-haddad")
    name = page.locator(".banner bdi").first
    expect(name).to_have_attribute("dir", "rtl")
    expect(name).to_have_attribute("lang", "ar")
    expect(page.locator("html")).to_have_attribute("lang", "en")


def test_everything_works_with_scripts_off(browser: Browser, url: str) -> None:
    context = browser.new_context(base_url=url, java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{DEVIN}/vitals")
    page.get_by_role("button", name=re.compile("^Nurse")).click()
    expect(page).to_have_url(re.compile(f"{DEVIN}/vitals$"))
    expect(page.locator("trend-plot svg").first).to_be_visible()
    expect(page.locator("tbody tr").first).to_contain_text("kg")
    page.goto("/patients")
    page.get_by_label("Date of birth").fill("1900")
    page.get_by_role("button", name="Search").click()
    expect(page.locator("#results")).to_contain_text("No patient matches")
    page.get_by_role("button", name="Sign out").click()
    expect(page.locator("h1")).to_have_text("Sign in")
    context.close()


def test_the_keyboard_alone_suffices(browser: Browser, url: str) -> None:
    context = enter(browser, url, "")
    page = context.new_page()
    page.goto("/sign-in")
    page.keyboard.press("Tab")
    expect(page.locator(".skip")).to_be_focused()
    expect(page.locator(".skip")).to_be_in_viewport()
    page.keyboard.press("Enter")
    expect(page.locator("main")).to_be_focused()
    page.keyboard.press("Tab")
    expect(page.locator("button[value=physician]")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("h1")).to_have_text("Today")
    page.locator("#find").focus()
    page.keyboard.type("bailey")
    page.keyboard.press("Enter")
    row = page.locator("#results th a").first
    expect(row).to_have_text(re.compile("BAILEY"))
    for _ in range(30):
        page.keyboard.press("Tab")
        if row.evaluate("element => element === document.activeElement"):
            break
    expect(row).to_be_focused()
    assert row.evaluate("element => getComputedStyle(element).outlineStyle") == "solid"
    page.keyboard.press("Enter")
    expect(page.locator(".banner")).to_contain_text("BAILEY")
    context.close()


def test_the_front_desk_sees_who_but_nothing_clinical(browser: Browser, url: str) -> None:
    context = enter(browser, url, "front-desk")
    page = context.new_page()
    page.goto(DEVIN)
    expect(page.locator(".banner")).to_contain_text("not open to your role")
    expect(page.get_by_role("link", name="Medications")).to_have_count(0)
    for path in (f"{DEVIN}/problems", f"{DEVIN}/vitals/29463-7", f"{DEVIN}/timeline"):
        page.goto(path)
        expect(page.locator("main")).to_contain_text("not open to your role")
        expect(page.locator("main table")).to_have_count(0)
    answer = page.goto("/records/Observation")
    assert answer
    assert answer.status == 403
    assert "kg" not in page.locator("main").inner_text()
    context.close()


def test_a_patient_sees_their_own_record_and_no_other(browser: Browser, url: str) -> None:
    context = enter(browser, url, "patient")
    page = context.new_page()
    page.goto("/")
    expect(page.locator("h1")).to_have_text("Hello, Devin Bailey")
    page.goto("/patients")
    expect(page.locator("#results tbody tr")).to_have_count(1)
    for path in ("/patients/silvana-cremin", "/patients/silvana-cremin/results"):
        answer = page.goto(path)
        assert answer
        assert answer.status == 404
        assert "CREMIN" not in page.content()
    page.goto("/records/Observation?subject=Patient/silvana-cremin")
    expect(page.locator("main")).to_contain_text("No record matches")
    context.close()


def test_paper_has_the_banner_and_nothing_to_click(page: Page) -> None:
    page.goto(f"{DEVIN}/medications")
    page.emulate_media(media="print")
    expect(page.locator(".banner")).to_be_visible()
    expect(page.locator(".bar")).to_be_hidden()
    expect(page.locator(".side")).to_be_hidden()


def test_the_policy_stops_a_script_that_slipped_in(browser: Browser, url: str) -> None:
    context = enter(browser, url, "physician")
    page = context.new_page()
    page.goto("/patients")
    page.evaluate(
        "document.body.insertAdjacentHTML('beforeend', '<img src=x onerror=\"window.bad=1\">')"
    )
    page.wait_for_timeout(300)
    assert page.evaluate("window.bad") is None
    page.goto("/patients?name=%3Cscript%3Ealert(1)%3C/script%3E&number=%22%3E%3Cb%3E")
    assert "<script>alert" not in page.content()
    context.close()
