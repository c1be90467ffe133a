"""Notes and documents in a browser: by keyboard alone, saved while one types, beside the chart and
beside a video, without scripts, without a line; axe over every screen."""

from __future__ import annotations

import json
import os
import re
import shutil
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from careplane.kernel.clock import format_instant, system_clock
from tests.file_house import PDF, png
from tests.journeys.test_pages import enter
from tests.looks import LOOKS, violations
from tests.support import missing
from tests.visit_house import appointment
from tools.bench import server
from tools.screenshots import CHROMIUM_ARGUMENTS

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(300)]
P = "/patients/ada"
EVIL = "</textarea><script>alert(1)</script><img src=x onerror=alert(1)>"
DEVICES = ("--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream")


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[server.Server]:
    """A server with the demo's roles and two records of its own."""
    data = tmp_path_factory.mktemp("notes") / "data"
    server.command("init", data=data)
    with server.serving(data, settings={"CAREPLANE_DEMO": "true"}) as started:
        put(started, {"resourceType": "Patient", "id": "ada", "name": [{"family": "Quinn"}],
                      "birthDate": "1980-01-01"})  # fmt: skip
        put(
            started, appointment("v", system_clock(), of="ada", by="Practitioner/demo-cardiologist")
        )
        put(started, {
            "resourceType": "Encounter", "id": "e", "status": "arrived",
            "class": {"code": "VR", "display": "virtual"}, "subject": {"reference": "Patient/ada"},
            "appointment": [{"reference": "Appointment/v"}],
            "period": {"start": format_instant(system_clock())},
        })  # fmt: skip
        yield started


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    found = os.environ.get("CAREPLANE_CHROMIUM") or shutil.which("chromium")
    if not found:
        missing("a Chromium; install one or set CAREPLANE_CHROMIUM")
    with sync_playwright() as playwright:
        arguments = [*CHROMIUM_ARGUMENTS, *DEVICES]
        opened = playwright.chromium.launch(executable_path=found, args=arguments)
        yield opened
        opened.close()


def put(house: server.Server, resource: dict[str, Any]) -> None:
    headers = {"authorization": f"Bearer {house.token}", "content-type": "application/fhir+json"}
    address = f"{house.base}/{resource['resourceType']}/{resource['id']}"
    body = json.dumps(resource).encode()
    request = urllib.request.Request(address, data=body, headers=headers, method="PUT")
    with urllib.request.urlopen(request, timeout=30) as answer:
        assert answer.status == 201


def compositions(house: server.Server) -> list[Any]:
    headers = {"authorization": f"Bearer {house.token}"}
    address = f"{house.base}/Composition?_sort=-_lastUpdated&_count=1"
    with urllib.request.urlopen(urllib.request.Request(address, headers=headers)) as answer:
        return [one["resource"] for one in json.load(answer)["entry"]]


@pytest.fixture
def page(browser: Browser, house: server.Server) -> Iterator[Page]:
    """A physician's; whatever the console complains of, or that opens a dialog, fails the test."""
    context = enter(browser, house.base.removesuffix("/fhir"), "physician", reduced_motion="reduce")
    page = context.new_page()
    complaints: list[str] = []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("dialog", lambda dialog: (complaints.append(dialog.message), dialog.dismiss()))
    page.on("console", lambda m: complaints.append(m.text) if m.type == "error" else None)
    yield page
    context.close()
    assert [c for c in complaints if "status of 4" not in c and "net::ERR" not in c] == []


def begin(page: Page) -> None:
    page.goto(f"{P}/documents")
    page.get_by_role("button", name="Begin a note").press("Enter")
    expect(page.get_by_label("Subjective")).to_be_visible()


def saved(page: Page) -> None:
    expect(page.locator("[data-state] [role=status]")).to_contain_text("Draft, saved")


def test_a_note_by_keyboard_alone(page: Page, house: server.Server) -> None:
    page.goto(f"{P}/documents")
    page.get_by_label("Template").focus()
    page.keyboard.press("Tab")  # the encounter
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.get_by_label("Subjective")).to_be_visible()
    page.get_by_label("Title").focus()
    for text in ("Coughs.", "Lungs clear.", "Cold.", "Rest.\n\n" + EVIL):
        page.keyboard.press("Tab")
        page.keyboard.press("ControlOrMeta+A")
        page.keyboard.insert_text(text)
    saved(page)
    page.get_by_role("list", name="Chart").get_by_role("link", name="Problems").focus()
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/problems?workspace=note/{compositions(house)[0]['id']}")
    expect(page.get_by_role("heading", level=1)).to_have_text("Problems")
    expect(page.get_by_label("Assessment")).to_have_value("Cold.")
    page.get_by_label("Plan", exact=True).focus()
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.get_by_text("Signature holds.")).to_be_visible()
    expect(page.get_by_text(EVIL)).to_be_visible()
    page.get_by_role("button", name="Write an addendum").focus()
    page.keyboard.press("Enter")
    page.get_by_role("textbox", name="Addendum").focus()
    page.keyboard.insert_text("Call on Monday.")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.get_by_text("Call on Monday.")).to_be_visible()
    page.get_by_role("link", name="The note that this is an addendum to").press("Enter")
    expect(page.get_by_text("Signature holds.")).to_have_count(2)
    page.get_by_label("Why, for example").focus()
    page.keyboard.insert_text("Wrong patient")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.get_by_text("entered in error; do not rely on it")).to_be_visible()
    expect(page.get_by_text("Reason: Wrong patient")).to_be_visible()


def test_a_line_that_is_lost_loses_no_word(page: Page, house: server.Server) -> None:
    begin(page)
    page.context.set_offline(True)
    page.get_by_label("Subjective").fill("Typed in the tunnel.")
    expect(page.get_by_text("Not saved: there is no connection")).to_be_visible()
    page.context.set_offline(False)
    page.get_by_label("Objective").fill("Out again.")
    saved(page)
    assert "Typed in the tunnel." in json.dumps(compositions(house)[0])


def test_two_windows_are_told_of_each_other(page: Page, house: server.Server) -> None:
    begin(page)
    other = page.context.new_page()
    other.goto(page.url)
    page.get_by_label("Plan", exact=True).fill("The first window.")
    saved(page)
    other.get_by_label("Plan", exact=True).fill("The second window.")
    expect(other.get_by_text("changed in another window")).to_be_visible()
    expect(other.get_by_label("Plan", exact=True)).to_have_value("The second window.")
    assert "The first window." in json.dumps(compositions(house)[0])
    other.get_by_role("button", name="Save draft").click()
    expect(other.get_by_role("link", name="Show what is stored")).to_be_visible()
    other.get_by_role("button", name="Save draft").click()
    saved(other)
    expect(other.get_by_label("Plan", exact=True)).to_have_value("The second window.")


def test_without_scripts(browser: Browser, house: server.Server) -> None:
    url = house.base.removesuffix("/fhir")
    context = enter(browser, url, "physician", java_script_enabled=False)
    page = context.new_page()
    begin(page)
    page.get_by_label("Subjective").fill("By buttons alone.")
    page.get_by_label("Another part of the chart").select_option("allergies")
    page.get_by_role("button", name="Save draft and show").click()
    expect(page.get_by_role("heading", name="Allergies", exact=True)).not_to_have_count(0)
    expect(page.get_by_label("Subjective")).to_have_value("By buttons alone.")
    page.get_by_role("button", name="Sign", exact=True).click()
    expect(page.get_by_text("Signature holds.")).to_be_visible()
    context.close()


def test_beside_a_video_the_room_stays(page: Page, house: server.Server) -> None:
    page.goto("/visits/v")
    page.get_by_role("button", name="Join the visit").press("Enter")
    expect(page.get_by_role("button", name="Microphone on")).to_be_visible()
    page.evaluate("window.still = true")
    page.get_by_role("button", name="Begin a note").press("Enter")
    page.get_by_label("Subjective").fill("Seen by video.")
    saved(page)
    page.get_by_role("button", name="Sign", exact=True).press("Enter")
    expect(page.get_by_text("The note is signed.")).to_be_visible()
    expect(page.get_by_role("button", name="Microphone on")).to_be_visible()
    assert page.evaluate("window.still")
    found = compositions(house)[0]
    assert (found["status"], found["encounter"]) == ("final", {"reference": "Encounter/e"})


def test_documents_are_told_by_their_bytes(page: Page, tmp_path: Path) -> None:
    page.goto(f"{P}/documents")
    lie = tmp_path / "wound.png"
    lie.write_bytes(b"<html><script>alert(1)</script>")
    page.get_by_label("File", exact=True).set_input_files(lie)
    page.get_by_role("button", name="Put into the record").press("Enter")
    expect(page.get_by_role("alert")).to_contain_text("a browser could run")
    expect(page.locator("#file-wrong")).to_be_visible()
    true = tmp_path / f"{re.sub('[/]', '', EVIL)}.png"
    true.write_bytes(png(64, 64))
    page.get_by_label("File", exact=True).set_input_files(true)
    page.get_by_label("Kind").select_option("photograph")
    page.get_by_role("button", name="Put into the record").press("Enter")
    expect(page.get_by_text("The document is in the record.")).to_be_visible()
    picture = page.locator(".show img")
    expect(picture).to_be_visible()
    assert picture.evaluate("image => image.naturalWidth") == 64


def test_axe_over_every_screen(page: Page, tmp_path: Path) -> None:
    begin(page)
    page.get_by_label("Subjective").fill("x")
    saved(page)
    page.get_by_role("button", name="Sign", exact=True).press("Enter")
    page.get_by_role("button", name="Write an addendum").press("Enter")
    page.get_by_role("textbox", name="Addendum").fill("y")
    page.get_by_role("button", name="Sign", exact=True).press("Enter")
    page.get_by_role("link", name="The note that this is an addendum to").press("Enter")
    expect(page.get_by_text("Signature holds.")).to_have_count(2)
    signed = page.url
    begin(page)
    draft = page.url
    narrow = {name: LOOKS[name] for name in ("phone", "dark")}
    paths = [
        (f"{P}/documents", LOOKS),
        (f"{P}/problems?{draft.partition('?')[2]}", LOOKS),
        (signed, LOOKS),
    ]
    for name, data in (("a.pdf", PDF), ("b.png", png())):
        page.goto(f"{P}/documents")
        file = tmp_path / name
        file.write_bytes(data)
        page.get_by_label("File", exact=True).set_input_files(file)
        page.get_by_role("button", name="Put into the record").press("Enter")
        expect(page.get_by_text("The document is in the record.")).to_be_visible()
        paths.append((page.url, narrow))
    found = []
    for path, looks in paths:
        page.goto(path)
        found += violations(page, path, looks)
    assert found == []
