"""Forms in a real browser: asked for by a clinician, filled by a patient on a phone, live, by
keyboard alone, with scripts off, and axe."""

from __future__ import annotations

import base64
import contextlib
import json
import os
import re
import shutil
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.demo_house import served
from tests.journeys.test_pages import DEVIN, enter
from tests.looks import LOOKS, violations
from tests.support import missing
from tools.screenshots import chromium

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(300)]
SEVERAL = "http://loinc.org|LA6569-3"


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


def begin(context: BrowserContext, title: str) -> Page:
    """A form of the demo's patient, begun from the chart."""
    page = context.new_page()
    page.goto(f"{DEVIN}/forms")
    page.get_by_label("Form", exact=True).select_option(label=title)
    page.get_by_role("button", name="Fill it now").click()
    expect(page.locator("h1")).to_have_text(title)
    return page


def test_a_clinician_asks_and_a_patient_fills_on_a_phone(browser: Browser, url: str) -> None:
    doctor = enter(browser, url, "physician")
    page = doctor.new_page()
    page.goto(f"{DEVIN}/forms")
    page.get_by_label("Form", exact=True).select_option(label="Before your visit")
    page.get_by_label("A word to the patient").fill("Please before Monday")
    page.get_by_role("button", name="Ask the patient to fill it").click()
    expect(page.locator(".said")).to_contain_text("asked to fill")

    phone = enter(browser, url, "patient", **LOOKS["phone"])
    mine = phone.new_page()
    complaints: list[str] = []
    mine.on("pageerror", lambda error: complaints.append(str(error)))
    mine.on("console", lambda m: complaints.append(m.text) if m.type == "error" else None)
    mine.goto("/forms")
    expect(mine.locator("main")).to_contain_text("Please before Monday")
    mine.get_by_role("button", name=re.compile("Fill it")).click()
    expect(mine.locator("h1")).to_have_text("Before your visit")
    expect(mine.get_by_label("Phone number")).not_to_have_value("")
    mine.evaluate("window.same = true")
    mine.get_by_label("What brings you to us?").fill("Short of breath")
    mine.get_by_label("Yes", exact=True).check()
    expect(mine.get_by_label("To what?")).to_be_visible()
    expect(mine.get_by_label("Yes", exact=True)).to_be_focused()
    mine.get_by_label("To what?").fill("Penicillin")
    mine.get_by_label("Height", exact=True).fill("180")
    mine.get_by_label("Weight", exact=True).fill("81")
    mine.get_by_label("I smoke", exact=True).check()
    expect(mine.get_by_label("How many cigarettes a day?")).to_be_visible()
    expect(mine.locator("output", has_text="25")).to_be_visible()
    assert mine.evaluate("window.same"), "the whole page was loaded again"
    mine.get_by_label("How many cigarettes a day?").fill("a few")
    mine.get_by_role("button", name="Send").click()
    summary = mine.get_by_role("alert")
    expect(summary).to_be_focused()
    expect(summary).to_contain_text("Write a whole number, such as 12.")
    summary.get_by_role("link", name="How many cigarettes a day?").click()
    expect(mine.get_by_label("How many cigarettes a day?")).to_be_focused()
    expect(mine.get_by_label("How many cigarettes a day?")).to_have_value("a few")
    mine.get_by_label("How many cigarettes a day?").fill("5")
    mine.get_by_role("button", name="Add one more Medicines").click()
    expect(mine.get_by_label("Name of the medicine")).to_have_count(2)
    mine.get_by_label("Name of the medicine").nth(1).fill("Aspirin")
    assert mine.evaluate("document.documentElement.scrollWidth") <= 390
    mine.get_by_role("button", name="Send").click()
    expect(mine.locator(".said")).to_contain_text("The form is sent")
    expect(mine.locator(".read")).to_contain_text("Penicillin")
    assert [text for text in complaints if "422" not in text] == []

    page.reload()
    page.get_by_role("link", name="Before your visit").click()
    expect(page.locator(".read")).to_contain_text("Aspirin")
    doctor.close()
    phone.close()


def test_the_keyboard_alone_fills_a_form(browser: Browser, url: str) -> None:
    context = enter(browser, url, "nurse")
    page = begin(context, "GAD-7: Generalized Anxiety Disorder scale")
    page.locator("main").focus()
    answered = 0
    for _ in range(40):
        page.keyboard.press("Tab")
        kind, name = page.evaluate(
            "[document.activeElement.type ?? '', document.activeElement.name ?? '']"
        )
        if kind == "radio" and answered < 7:
            page.keyboard.press("Space")
            page.keyboard.press("ArrowDown")
            answered += 1
        elif name == "do":
            break
    assert answered == 7
    expect(page.locator("output", has_text="7")).to_be_visible()
    expect(page.get_by_role("button", name="Complete")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator(".said")).to_contain_text("completed")
    expect(page.locator(".read")).to_contain_text("Mild")
    context.close()


def test_a_form_is_filled_with_scripts_off(browser: Browser, url: str) -> None:
    context = enter(browser, url, "nurse", java_script_enabled=False)
    page = begin(context, "PHQ-9: Patient Health Questionnaire")
    expect(page.get_by_text("If you are in danger now")).to_have_count(0)
    for number in range(1, 10):
        page.locator(f'input[name="a{number}/0"][value="{SEVERAL}"]').check()
    page.get_by_role("button", name="Show what is asked next").click()
    expect(page.get_by_text("If you are in danger now")).to_be_visible()
    expect(page.locator("output", has_text="9")).to_be_visible()
    page.get_by_role("button", name="Save the draft").click()
    expect(page.locator(".said")).to_contain_text("saved")
    page.get_by_role("button", name="Complete").click()
    expect(page.locator(".said")).to_contain_text("completed")
    page.get_by_role("link", name="Correct it").click()
    page.locator('input[name="a9/0"][value="http://loinc.org|LA6568-5"]').check()
    page.get_by_role("button", name="Save the correction").click()
    expect(page.locator(".head .tag")).to_have_text("Amended")
    expect(page.locator(".read")).to_contain_text("8")
    context.close()


def test_axe_finds_nothing(browser: Browser, url: str) -> None:
    context = enter(browser, url, "physician", reduced_motion="reduce")
    page = begin(context, "Before your visit")
    page.get_by_label("Yes", exact=True).check()
    expect(page.get_by_label("To what?")).to_be_visible()
    page.get_by_role("button", name="Complete").click()
    expect(page.get_by_role("alert")).to_be_visible()
    found = violations(page, "a form that is refused")
    page.get_by_role("button", name="Discard the draft").click()
    for path in (f"{DEVIN}/forms", "/questionnaires", "/questionnaires/phq-9"):
        page.goto(path)
        found += violations(page, path)
    ros = begin(context, "Review of systems")
    ros.get_by_role("button", name="Complete").click()
    expect(ros.locator(".read")).to_be_visible()
    found += violations(ros, "a form that is read")
    context.close()
    keeper = enter(browser, url, "administrator", reduced_motion="reduce")
    page = keeper.new_page()
    page.goto("/questionnaires")
    page.get_by_label("A Questionnaire of FHIR R4, as JSON").fill("{}")
    page.get_by_role("button", name="Check and add").click()
    expect(page.get_by_role("alert")).to_be_visible()
    found += violations(page, "/questionnaires, refused")
    keeper.close()
    mine = enter(browser, url, "patient", reduced_motion="reduce")
    page = mine.new_page()
    page.goto("/forms")
    found += violations(page, "/forms")
    mine.close()
    assert not found, "\n".join(found)


KINDS = ("boolean", "decimal", "integer", "date", "dateTime", "time", "string", "text", "url",
         "attachment", "reference", "quantity", "choice", "open-choice")  # fmt: skip
PICTURE = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg=="
)


def every_kind() -> str:
    """A form with each type of question, once and repeated."""
    options = [{"valueString": text} for text in ("One", "Two")]
    items: list[dict[str, object]] = []
    for repeats in (False, True):
        for kind in KINDS:
            link = f"{kind}{'-many' if repeats else ''}"
            item: dict[str, object] = {"linkId": link, "type": kind, "text": link}
            item |= {"repeats": True} if repeats else {}
            item |= {"answerOption": options} if "choice" in kind else {}
            items.append(item)
    many = "http://terminology.hl7.org/ValueSet/v3-ActCode"
    items.append({"linkId": "act", "type": "choice", "text": "act", "answerValueSet": many})
    condition = {"question": "integer", "operator": "exists", "answerBoolean": True}
    items.append(
        {"linkId": "last", "type": "display", "text": "A number, indeed", "enableWhen": [condition]}
    )
    form = {"resourceType": "Questionnaire", "status": "active", "title": "Every kind"}
    return json.dumps({**form, "url": "http://example.org/every-kind", "item": items})


def test_every_kind_of_question_and_a_file(browser: Browser, url: str) -> None:
    keeper = enter(browser, url, "administrator", reduced_motion="reduce")
    page = keeper.new_page()
    page.goto("/questionnaires")
    page.get_by_label("A Questionnaire of FHIR R4, as JSON").fill(every_kind())
    page.get_by_role("button", name="Check and add").click()
    expect(page.locator("h1")).to_have_text("Every kind")
    keeper.close()
    context = enter(browser, url, "physician", reduced_motion="reduce")
    page = begin(context, "Every kind")
    found = violations(page, "every kind")
    assert not found, "\n".join(found)
    act = page.get_by_role("group", name="act", exact=True)
    field = act.get_by_role("textbox")
    field.click()
    field = act.get_by_role("combobox")
    field.press_sequentially("emergency")
    expect(field).to_have_attribute("aria-expanded", "true")
    expect(act.get_by_role("option").first).to_be_visible()
    field.press("ArrowDown")
    expect(act.get_by_role("option", selected=True)).to_have_count(1)
    found = violations(page, "an answer among many")
    assert not found, "\n".join(found)
    field.press("Enter")
    expect(act.get_by_role("listbox")).to_have_count(0)
    expect(act.get_by_role("radio", checked=True)).to_have_count(1)
    expect(act.get_by_label("No answer")).to_be_visible()  # the server has taken it in
    file = {"name": "arm.png", "mimeType": "image/png", "buffer": PICTURE}
    page.get_by_role("group", name="attachment", exact=True).locator(
        "input[type=file]"
    ).first.set_input_files(file)  # type: ignore[arg-type]
    page.get_by_label("integer", exact=True).fill("7")
    page.get_by_label("integer", exact=True).press("Tab")
    expect(page.get_by_text("A number, indeed")).to_be_visible()
    page.get_by_role("button", name="Save the draft").click()
    expect(page.locator(".said")).to_contain_text("saved")
    expect(page.get_by_label("Take away: arm.png")).to_be_visible()
    page.get_by_role("button", name="Complete").click()
    expect(page.locator(".said")).to_contain_text("completed")
    with page.expect_download() as download:
        page.get_by_role("link", name="arm.png").click()
    assert download.value.suggested_filename == "arm.png"
    context.close()
