"""A patient shares the record by QR: a stranger opens it in another browser, the patient sees who
did, and ends it; once by keyboard alone. Links and cards are opened by what others wrote, too."""

from __future__ import annotations

import base64
import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import segno
from playwright.sync_api import Browser, BrowserContext, Page, Route, expect

from careplane.sharing.cards.card import segments
from tests.journeys.test_clients_of_others import node
from tests.journeys.test_pages import browser, enter, url
from tests.looks import violations
from tests.support import missing

__all__ = ["browser", "url"]
pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(300)]

PROJECT = Path(__file__).with_name("health_links")
SHARE = "/patients/devin-bailey/share"
XSS = "<img src=x onerror=\"document.title='run'\">"


@pytest.fixture
def patient(browser: Browser, url: str) -> Iterator[Page]:
    """Devin Bailey's browser; whatever the console complains of fails the test."""
    context = enter(browser, url, "patient", reduced_motion="reduce")
    page = context.new_page()
    complaints: list[str] = []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("console", lambda m: complaints.append(m.text) if m.type == "error" else None)
    yield page
    context.close()
    assert [text for text in complaints if "status of 40" not in text] == []


@pytest.fixture
def stranger(browser: Browser, url: str) -> Iterator[BrowserContext]:
    """A browser of somebody who is not signed in."""
    context = browser.new_context(base_url=url, reduced_motion="reduce")
    context.set_default_timeout(10_000)
    yield context
    context.close()


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Node project with its pinned packages; skips, loudly, without Node or npm's registry."""
    folder = tmp_path_factory.mktemp("health-links")
    for path in PROJECT.iterdir():
        shutil.copy(path, folder)
    command = [*node("npm"), "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--silent"]
    try:
        subprocess.run(command, cwd=folder, check=True, timeout=100, capture_output=True)
    except (OSError, subprocess.SubprocessError):
        missing("npm's registry, for kill-the-clipboard and jsqr")
    return folder


def ask(project: Path, what: str, **values: Any) -> Any:
    """What the libraries of others make of it."""
    done = subprocess.run(
        [*node("node"), "open.mjs"],
        input=json.dumps({"what": what, **values}),
        cwd=project, check=True, timeout=60, capture_output=True, text=True,
    )  # fmt: skip
    return json.loads(done.stdout)


def shared(
    page: Page,
    *,
    label: str = "",
    contents: tuple[str, ...] = (),
    plain: bool = False,
    less: bool = False,
    direct: bool = False,
) -> str:
    """Make a link with some choices; its address."""
    page.goto(SHARE)
    page.get_by_text("What, for whom, how long, passcode").click()
    page.get_by_label("For whom").fill(label)
    for content in contents:
        page.get_by_label(content).check()
    if plain:
        page.get_by_label("None: whoever has the code").check()
    if direct:
        page.get_by_label("For simple readers").check()
    if less:
        parts = page.get_by_role("group", name="Parts of the summary")
        for box in parts.get_by_role("checkbox").all()[2:]:
            box.uncheck()
    page.get_by_role("button", name="Make a QR code with these choices").click()
    return page.get_by_label("Or send this link").input_value()


def look(page: Page, address: str, who: str, passcode: str = "") -> None:
    """Open a link as somebody."""
    page.goto("about:blank")  # another address, so that the page is loaded
    page.goto(address)
    page.get_by_label("Who are you?").fill(who)
    if passcode:
        page.get_by_label("Passcode").fill(passcode)
    page.get_by_role("button", name="Open the record").click()


def test_a_record_is_shared_by_qr_seen_and_ended(patient: Page, stranger: BrowserContext) -> None:
    patient.goto("/")
    patient.get_by_role("link", name="Share my record").first.click()
    patient.get_by_role("button", name="Make a QR code", exact=True).click()
    expect(patient.get_by_role("img", name="QR code of this health link")).to_be_visible()
    address = patient.get_by_label("Or send this link").input_value()
    code = patient.locator("#passcode-shown").inner_text()
    place = patient.url

    reader = stranger.new_page()
    look(reader, address, "Dr. R. Ortega", "000000" if code != "000000" else "111111")
    expect(reader.get_by_role("alert")).to_have_text("The passcode is not right. Guesses left: 4")
    reader.get_by_label("Passcode").fill(code)
    reader.get_by_role("button", name="Open the record").click()
    expect(reader.get_by_role("heading", name="Devin Bailey")).to_be_visible()
    expect(reader.locator("#shown")).to_contain_text("Heart failure with reduced ejection fraction")
    expect(reader.locator("#shown")).to_contain_text("penicillin")

    patient.goto("/patients/devin-bailey/access")
    expect(patient.locator(".timeline")).to_contain_text("Dr. R. Ortega")
    expect(patient.locator(".timeline")).to_contain_text("at the patient's wish")
    patient.goto(place)
    rows = patient.locator("table tbody tr")
    expect(rows).to_have_count(2)
    expect(rows.first).to_contain_text("opened")
    expect(rows.last).to_contain_text("wrong passcode")

    patient.goto(SHARE)
    patient.get_by_role("button", name=re.compile("^End it")).first.click()
    expect(patient.locator(".lines").first).to_contain_text("Ended by you")
    look(reader, address, "Dr. R. Ortega", code)
    expect(reader.get_by_role("alert")).to_contain_text("This link has ended")
    expect(reader.locator("#shown")).to_be_empty()


def focus(page: Page, target: Any) -> None:
    """Walk there by the tab key."""
    for _ in range(60):
        if target.evaluate("element => element === document.activeElement"):
            return
        page.keyboard.press("Tab")
    raise AssertionError(f"the keyboard does not come to {target}")


def test_the_keyboard_alone_shares_opens_and_ends(patient: Page, stranger: BrowserContext) -> None:
    patient.goto("/")
    focus(patient, patient.get_by_role("link", name="Share my record").first)
    patient.keyboard.press("Enter")
    expect(patient.locator("h1")).to_have_text("Share a copy")
    focus(patient, patient.get_by_role("button", name="Make a QR code", exact=True))
    patient.keyboard.press("Enter")
    address = patient.get_by_label("Or send this link").input_value()
    code = patient.locator("#passcode-shown").inner_text()
    reader = stranger.new_page()
    reader.goto(address)
    focus(reader, reader.get_by_label("Who are you?"))
    reader.keyboard.type("Nurse O.")
    reader.keyboard.press("Tab")
    reader.keyboard.type(code)
    reader.keyboard.press("Enter")
    expect(reader.locator("#shown")).to_be_focused()
    expect(reader.locator("#shown")).to_contain_text("Heart failure")
    focus(patient, patient.get_by_role("button", name="End it"))
    patient.keyboard.press("Enter")
    expect(patient.locator(".lines").first).to_contain_text("Ended by you")


def test_what_is_not_right_is_said_and_what_was_typed_is_kept(patient: Page) -> None:
    patient.goto(SHARE)
    patient.get_by_text("What, for whom, how long, passcode").click()
    patient.get_by_label("For whom").fill("Dr. Ortega")
    patient.get_by_label("One of my own").check()
    patient.get_by_label("My passcode").fill("123")
    patient.get_by_label("Vital signs").uncheck()
    with patient.expect_response("**/share/links") as sent:
        patient.get_by_role("button", name="Make a QR code with these choices").click()
    assert sent.value.status == 400
    expect(patient.get_by_role("alert")).to_have_text("A passcode has 6 to 64 characters.")
    field = patient.get_by_label("My passcode")
    expect(field).to_have_attribute("aria-invalid", "true")
    expect(field).to_have_value("123")
    patient.get_by_role("alert").get_by_role("link").click()
    expect(field).to_be_focused()
    expect(patient.get_by_label("For whom")).to_have_value("Dr. Ortega")
    expect(patient.get_by_label("Vital signs")).not_to_be_checked()
    expect(patient.get_by_label("Problems", exact=True)).to_be_checked()


def test_hostile_labels_and_names_of_readers_never_run(
    patient: Page, stranger: BrowserContext
) -> None:
    address = shared(patient, label=XSS, plain=True)
    place = patient.url
    reader = stranger.new_page()
    look(reader, address, XSS)
    expect(reader.get_by_role("heading", name="Devin Bailey")).to_be_visible()
    for page, path in (
        (patient, place),
        (patient, SHARE),
        (patient, "/patients/devin-bailey/access"),
    ):
        page.goto(path)
        expect(page.locator("main")).to_contain_text("<img src=x")
        assert page.locator("main img[src=x]").count() == 0
    for page in (patient, reader):
        assert page.title() != "run"
    assert reader.locator("img[src=x]").count() == 0


def test_the_viewer_says_what_it_cannot_open(stranger: BrowserContext) -> None:
    page = stranger.new_page()
    for fragment, said in (
        ("", "This is no health link"),
        ("#shlink:/!!!", "This is no health link"),
        ("#shlink:/e30", "This is no health link"),
        ("#" + link_to("https://elsewhere.example/m/1"), "of another server"),
        ("#" + link_to("javascript:alert(1)"), "of another server"),
    ):
        page.goto("about:blank")
        page.goto("/share/view" + fragment)
        expect(page.get_by_role("alert")).to_contain_text(said)


def altered(route: Route, head: str) -> None:
    """A manifest whose files have another head."""
    answer = route.fetch()
    manifest = answer.json()
    for file in manifest["files"]:
        file["embedded"] = ".".join([head, *file["embedded"].split(".")[1:]])
    route.fulfill(response=answer, json=manifest)


def test_the_viewer_takes_no_other_algorithm(patient: Page, stranger: BrowserContext) -> None:
    address = shared(patient, plain=True, less=True)
    page = stranger.new_page()
    for header in ({"alg": "none"}, {"alg": "dir", "enc": "A128CBC-HS256"}, {"alg": "RSA-OAEP"}):
        head = base64.urlsafe_b64encode(json.dumps(header).encode()).rstrip(b"=").decode()

        page.route("**/shl/m/*", lambda route, _, head=head: altered(route, head))
        look(page, address, "Dr. Ortega")
        expect(page.get_by_role("alert")).to_contain_text("could not be opened")
        expect(page.locator("#shown")).to_be_empty()
        page.unroute("**/shl/m/*")


def link_to(url: str) -> str:
    text = json.dumps({"url": url, "key": "k" * 43, "flag": "L", "v": 1}).encode()
    return "shlink:/" + base64.urlsafe_b64encode(text).rstrip(b"=").decode()


def test_axe_finds_nothing_on_pages_of_sharing(patient: Page, stranger: BrowserContext) -> None:
    address = shared(patient, label="Dr. Ortega", plain=True, less=True)
    place = patient.url
    reader = stranger.new_page()
    found: list[str] = []

    def check(page: Page, name: str) -> None:
        found.extend(violations(page, name, ("light", "dark", "phone", "zoomed")))

    reader.goto(address)
    check(reader, "view")
    look(reader, address, "Dr. Ortega")
    expect(reader.get_by_role("heading", name="Devin Bailey")).to_be_visible()
    check(reader, "record")
    for path in (place, f"{SHARE}/cards/immunizations"):
        patient.goto(path)
        check(patient, path)
    patient.goto(SHARE)
    patient.get_by_text("What, for whom, how long, passcode").click()
    check(patient, SHARE)
    assert not found, "\n".join(found)


def test_a_library_of_others_opens_links_and_verifies_cards(patient: Page, project: Path) -> None:
    cards = ("Immunizations, as a health card", "Laboratory results, as a health card")
    address = shared(patient, contents=cards)
    link = address.partition("#")[2]
    code = patient.locator("#passcode-shown").inner_text()
    wrong = ask(project, "opened", link=link, recipient="Other", passcode="wrong!")
    assert wrong["error"] == "SHLInvalidPasscodeError"
    for most in (None, 10):
        sizes = {} if most is None else {"embeddedLengthMax": most}
        found = ask(project, "opened", link=link, recipient="Other", passcode=code, **sizes)
        (document,) = found["resources"]
        assert document["entry"][0]["resource"]["resourceType"] == "Composition"
        told = {one["resource"]["resourceType"] for o in found["cards"] for one in o["entry"]}
        assert told == {"Patient", "Immunization", "Observation"}
    patient.get_by_role("button", name="End it").click()
    over = ask(project, "opened", link=link, recipient="Other", passcode=code)
    assert over["error"] == "SHLManifestNotFoundError"


def test_a_direct_link_is_opened_by_the_library_and_by_the_viewer(
    patient: Page, stranger: BrowserContext, project: Path
) -> None:
    address = shared(patient, plain=True, direct=True, less=True)
    found = ask(project, "opened", link=address.partition("#")[2], recipient="Other")
    assert [one["type"] for one in found["resources"]] == ["document"]
    page = stranger.new_page()
    look(page, address, "Dr. Ortega")
    expect(page.get_by_role("heading", name="Devin Bailey")).to_be_visible()
    patient.reload()
    expect(patient.locator("table tbody tr")).to_have_count(2)


def test_a_scanner_and_a_library_of_others_read_the_qr_code_of_a_card(
    patient: Page, project: Path
) -> None:
    summary = patient.context.request.get(f"{SHARE}/summary.json").json()
    (born,) = (o["birthDate"] for one in summary["entry"] if "birthDate" in (o := one["resource"]))
    answer = patient.context.request.get(f"{SHARE}/cards/immunizations/file")
    assert answer.headers["content-type"] == "application/smart-health-card"
    for card in answer.json()["verifiableCredential"]:
        rows = list(segno.make(segments(card), error="l", micro=False).matrix_iter(4, 4))
        gray = bytes(0 if dark else 255 for row in rows for dark in row)
        pixels = b"".join(bytes((g, g, g, 255)) for g in gray)
        found = ask(project, "scanned", side=len(rows), pixels=base64.b64encode(pixels).decode())
        assert found["text"].startswith("shc:/")
        (bundle,) = found["cards"]
        person = bundle["entry"][0]["resource"]
        assert (person["resourceType"], person["birthDate"]) == ("Patient", born)
        assert all(one["fullUrl"] == f"resource:{n}" for n, one in enumerate(bundle["entry"]))


def test_a_clinician_takes_a_summary_but_shares_no_links(browser: Browser, url: str) -> None:
    context = enter(browser, url, "physician")
    page = context.new_page()
    page.goto(SHARE)
    expect(page.get_by_role("link", name="Download the summary")).to_be_visible()
    expect(page.get_by_role("button", name="Make a QR code", exact=True)).to_have_count(0)
    answer = context.request.get(f"{SHARE}/summary.json")
    assert answer.json()["entry"][0]["resource"]["type"]["coding"][0]["code"] == "60591-5"
    made = context.request.post(f"{SHARE}/links", form={"until": "86400", "content-summary": "1"})
    assert made.status == 403
    context.close()
