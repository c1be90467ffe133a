"""Messages and tasks in a real browser: a patient writes with a photo, the pool takes it and
answers, the receipt is seen; axe in every look; the keyboard alone."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.file_house import png
from tests.journeys.test_pages import browser, enter
from tests.looks import violations
from tools.screenshots import served

__all__ = ["browser"]
pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(300)]


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    """The demo, with its pools."""
    with served() as address:
        yield address


def window(browser: Browser, url: str, role: str) -> Page:
    return enter(browser, url, role, reduced_motion="reduce").new_page()


def clean(page: Page) -> None:
    """Axe finds nothing, in any look; nothing is wider than a phone."""
    assert violations(page) == []


def tab_to(page: Page, place: str) -> None:
    """On with the Tab key until something has the focus; a date alone has several parts."""
    for _ in range(10):
        page.keyboard.press("Tab")
        if page.locator(place).evaluate("one => one === document.activeElement"):
            return
    raise AssertionError(f"{place} is not reached")


def test_a_patient_writes_with_a_photo_and_is_answered(
    browser: Browser, url: str, tmp_path: Path
) -> None:
    photo = tmp_path / "ankle.png"
    photo.write_bytes(png(40, 30))
    patient, doctor = window(browser, url, "patient"), window(browser, url, "physician")
    patient.goto("/messages")
    patient.get_by_role("link", name="Write to the practice").click()
    clean(patient)
    patient.get_by_label("Medical question").check()
    patient.get_by_label("Subject").fill("My ankles are swollen")
    patient.get_by_label("Message", exact=True).fill("Since Monday.")
    patient.get_by_label("Files").set_input_files(photo)
    patient.get_by_role("button", name="Send").click()
    expect(patient.locator("img.photo")).to_be_visible()
    thread = patient.url
    doctor.goto("/messages")
    expect(doctor.locator(".side .count")).to_have_text("1 unread")
    clean(doctor)
    doctor.get_by_role("link", name="My ankles are swollen").click()
    doctor.get_by_role("button", name="Take it").click()
    expect(doctor.get_by_text("You answer this.")).to_be_visible()
    doctor.get_by_label("Message", exact=True).fill("Please weigh yourself every morning.")
    doctor.get_by_role("button", name="Send").click()
    expect(doctor.get_by_text("Please weigh yourself")).to_be_visible()
    doctor.get_by_label("Message", exact=True).fill("Grace, call him.")
    doctor.get_by_label("Internal note").check()
    doctor.get_by_role("button", name="Send").click()
    expect(doctor.get_by_text("Grace, call him.")).to_be_visible()
    clean(doctor)
    patient.goto(thread)
    expect(patient.get_by_text("Please weigh yourself")).to_be_visible()
    expect(patient.get_by_text("Grace, call him.")).to_have_count(0)
    clean(patient)
    doctor.reload()
    expect(doctor.get_by_text("Read by Devin Bailey")).to_be_visible()
    doctor.goto("/patients/devin-bailey/messages")
    clean(doctor)
    doctor.goto("/messages/new?patient=devin-bailey")
    clean(doctor)


def test_a_task_by_keyboard_alone(browser: Browser, url: str) -> None:
    doctor = window(browser, url, "physician")
    doctor.goto("/tasks/new?patient=devin-bailey")
    clean(doctor)
    doctor.get_by_label("What shall be done?").focus()
    keys = doctor.keyboard
    keys.type("Call him")
    keys.press("Tab")
    keys.type("Medical")
    tab_to(doctor, "#priority")
    keys.type("Urgent")
    keys.press("Tab")
    keys.type("About his ankles.")
    tab_to(doctor, "form.fill button")
    keys.press("Enter")
    doctor.wait_for_url("**/patients/devin-bailey/tasks")
    clean(doctor)
    doctor.get_by_role("link", name="Call him").focus()
    keys.press("Enter")
    expect(doctor.get_by_role("button", name="I do it")).to_be_visible()
    clean(doctor)
    doctor.get_by_role("button", name="I do it").focus()
    keys.press("Enter")
    expect(doctor.get_by_role("button", name="It is done")).to_be_visible()
    doctor.get_by_role("button", name="It is done").focus()
    keys.press("Enter")
    expect(doctor.locator(".head .chip").last).to_have_text("Done")
    doctor.goto("/tasks?box=ended")
    clean(doctor)


def test_a_consult_is_asked_with_a_photo_and_answered(
    browser: Browser, url: str, tmp_path: Path
) -> None:
    photo = tmp_path / "rash.png"
    photo.write_bytes(png(40, 30))
    patient, doctor = window(browser, url, "patient"), window(browser, url, "physician")
    patient.goto("/consults/new")
    clean(patient)
    patient.get_by_label("What is it about").fill("A rash on my arm")
    patient.get_by_label("Describe what you have").fill("It itches.")
    patient.get_by_label("Since when").fill("Monday")
    patient.get_by_label("Photos").set_input_files(photo)
    patient.get_by_role("button", name="Send the question").click()
    expect(patient.locator("img.photo")).to_be_visible()
    place = patient.url
    clean(patient)
    doctor.goto("/consults")
    clean(doctor)
    doctor.get_by_role("link", name="A rash on my arm").focus()
    doctor.keyboard.press("Enter")
    doctor.get_by_role("button", name="Take it").focus()
    doctor.keyboard.press("Enter")
    expect(doctor.get_by_text("You answer this.")).to_be_visible()
    clean(doctor)
    doctor.get_by_label("Message", exact=True).focus()
    doctor.keyboard.type("It is eczema. Use the ointment.")
    tab_to(doctor, "button[value=answer]")
    doctor.keyboard.press("Enter")
    expect(doctor.locator(".head .chip").last).to_have_text("Answered")
    patient.goto(place)
    expect(patient.get_by_text("Use the ointment.")).to_be_visible()
    clean(patient)
