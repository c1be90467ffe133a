"""A visit in two browsers with made-up cameras: the remote picture is seen, words go across, a
dropped socket and a page that is loaded again come back, a guest joins by a link; axe and the
keyboard."""

from __future__ import annotations

import base64
import contextlib
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

from careplane.kernel.clock import system_clock
from tests.demo_house import served
from tests.journeys.test_pages import enter
from tests.looks import violations
from tests.support import missing
from tests.visit_house import appointment
from tools.bench import server
from tools.screenshots import CHROMIUM_ARGUMENTS, without

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(300)]
DEVICES = ("--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream")
LOOPBACK = (without("WebRtcHideLocalIpsWithMdns"),)
FRAME_SECONDS = 3.0
"""What a first frame may take on a machine that does other things too."""


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    """The demo, and its data."""
    data = tmp_path_factory.mktemp("visit") / "data"
    with served(data, {"CAREPLANE_VISIT_RECORDING": "true"}) as url:
        yield url, data


@contextlib.contextmanager
def browser() -> Iterator[Browser]:
    """A browser of its own, with a camera and a microphone."""
    found = os.environ.get("CAREPLANE_CHROMIUM") or shutil.which("chromium")
    if not found:
        missing("a Chromium; install one or set CAREPLANE_CHROMIUM")
    with sync_playwright() as playwright:
        arguments = [*CHROMIUM_ARGUMENTS, *DEVICES, *LOOPBACK]
        opened = playwright.chromium.launch(executable_path=found, args=arguments)
        yield opened
        opened.close()


@pytest.fixture(scope="module")
def here() -> Iterator[Browser]:
    with browser() as opened:
        yield opened


@pytest.fixture(scope="module")
def there(here: Browser) -> Iterator[Browser]:
    """A process of its own."""
    arguments = [*CHROMIUM_ARGUMENTS, *DEVICES, *LOOPBACK]
    found = os.environ.get("CAREPLANE_CHROMIUM") or shutil.which("chromium")
    opened = here.browser_type.launch(executable_path=found, args=arguments)
    yield opened
    opened.close()


@pytest.fixture(autouse=True)
def gone(here: Browser, there: Browser) -> Iterator[None]:
    """Nobody stays in a visit after its test."""
    yield
    for context in (*here.contexts, *there.contexts):
        context.close()


def book(house: tuple[str, Path], id: str, **more: Any) -> str:
    """An appointment of Devin Bailey with the demo's physician, now; the page of its visit."""
    url, data = house
    token = server.command("token", "--scope", "system/*.cruds", data=data).strip()
    of, by = "devin-bailey", "Practitioner/demo-cardiologist"
    body = json.dumps(appointment(id, system_clock(), of=of, by=by, **more)).encode()
    headers = {"authorization": f"Bearer {token}", "content-type": "application/fhir+json"}
    request = urllib.request.Request(
        f"{url}/fhir/Appointment/{id}", data=body, headers=headers, method="PUT"
    )
    with urllib.request.urlopen(request, timeout=30) as answer:
        assert answer.status == 201
    return f"/visits/{id}"


def go(browser: Browser, url: str, role: str, path: str) -> Page:
    """The page of a visit, in a window of somebody."""
    context = enter(browser, url, role)
    page = context.new_page()
    page.goto(path)
    return page


def meet(
    house: tuple[str, Path], id: str, here: Browser, there: Browser, **more: Any
) -> tuple[Page, Page]:
    """The physician and the patient, both in the room, by keyboard alone."""
    path = book(house, id, **more)
    doctor = go(here, house[0], "physician", path)
    ada = go(there, house[0], "patient", path)
    ada.get_by_role("button", name="I agree to be seen by video").press("Enter")
    for page in (ada, doctor):
        join = page.get_by_role("button", name="Join the visit")
        expect(join).to_be_enabled()
        join.press("Enter")
    expect(ada.get_by_role("status").first).to_contain_text("waiting room")
    for minutes, said in ((1, "It may take 1 minute."), (7, "It may take 7 minutes.")):
        told = {"before": 2, "seconds": minutes * 60, "host": True}
        ada.locator("video-visit").evaluate("(visit, told) => visit.on_waiting(told)", told)
        expect(ada.get_by_role("status").first).to_contain_text(f"Before you: 2. {said}")
    doctor.get_by_role("button", name=re.compile("Let Devin Bailey in")).press("Enter")
    expect(ada.get_by_role("status").first).to_contain_text("in the visit")
    return doctor, ada


def sees(page: Page, pictures: int = 2) -> None:
    """Whether so many pictures move."""
    page.wait_for_function(
        "n => [...document.querySelectorAll('figure video')]"
        ".filter(v => v.videoWidth && v.currentTime > 0).length === n",
        arg=pictures,
        timeout=20_000,
    )


def frame_seconds(page: Page) -> float:
    """From being let in to the first picture of another, which is told of once it is drawn."""
    page.wait_for_function("performance.getEntriesByName('visit-frame').length > 0")
    return float(
        page.evaluate(
            "() => { const at = n => performance.getEntriesByName(n)[0].startTime;"
            "return (at('visit-frame') - at('visit-admitted')) / 1000; }"
        )
    )


def test_two_see_each_other(house: tuple[str, Path], here: Browser, there: Browser) -> None:
    doctor, ada = meet(house, "v1", here, there)
    for page in (doctor, ada):
        sees(page)
    assert 0 < frame_seconds(ada) < FRAME_SECONDS
    doctor.get_by_label("Message").fill("<img src=x onerror=alert(1)> hello")
    doctor.get_by_role("button", name="Send", exact=True).press("Enter")
    expect(ada.get_by_role("log")).to_contain_text("<img src=x onerror=alert(1)> hello")
    assert ada.locator("[data-chat] img").count() == 0
    said = doctor.get_by_role("log")  # another button of this name is beneath it
    said.get_by_role("button", name="Put into the record", exact=True).click()
    expect(ada.get_by_role("log")).to_contain_text("In the record")
    ada.get_by_role("button", name="Camera on").press("Space")
    expect(ada.get_by_role("button", name="Camera off")).to_have_attribute("aria-pressed", "false")
    ada.get_by_role("button", name="Microphone on").press("Space")
    expect(ada.get_by_role("button", name="Microphone off")).to_be_visible()
    ada.get_by_role("button", name="Camera off").press("Space")
    sees(doctor)
    doctor.get_by_role("button", name="End the visit for everybody").press("Enter")
    for page in (doctor, ada):
        expect(page.get_by_role("status").first).to_contain_text("The visit is over")
    doctor.reload()
    doctor.get_by_label("What the patient takes home").fill("Rest.")
    doctor.get_by_role("button", name="Put into the record").press("Enter")
    expect(doctor.get_by_text("The summary is in the record")).to_be_visible()


def test_a_visit_is_recorded_when_both_agree(
    house: tuple[str, Path], here: Browser, there: Browser
) -> None:
    doctor, ada = meet(house, "v4", here, there)
    sees(doctor)
    doctor.get_by_label("Date of birth and address were asked for").check()
    doctor.get_by_role("button", name="Record the visit").press("Enter")
    agree = ada.get_by_role("button", name="I agree to be recorded")
    expect(agree).to_be_focused()
    expect(doctor.get_by_text("This visit is being recorded.").first).to_be_hidden()
    agree.press("Enter")
    for page in (doctor, ada):
        expect(page.get_by_text("This visit is being recorded.").first).to_be_visible()
    doctor.wait_for_timeout(2000)
    ada.get_by_role("button", name="Stop the recording").press("Enter")
    expect(doctor.get_by_role("status").first).to_contain_text("Part 1 of the recording")
    doctor.get_by_role("button", name="The identity is checked").press("Enter")
    expect(doctor.get_by_text("The identity was checked, and")).to_be_visible()
    (media,) = found(house, "Media?patient=devin-bailey")
    kept = base64.b64decode(media["content"]["data"])
    assert kept.startswith(b"\x1aE\xdf\xa3")
    assert len(kept) > 10_000
    consents = found(house, "Consent?patient=devin-bailey&_count=200")
    assert any("verification" in one for one in consents)


def found(house: tuple[str, Path], query: str) -> list[dict[str, Any]]:
    """Resources of the demo."""
    url, data = house
    token = server.command("token", "--scope", "system/*.rs", data=data).strip()
    request = urllib.request.Request(
        f"{url}/fhir/{query}", headers={"authorization": f"Bearer {token}"}
    )
    with urllib.request.urlopen(request, timeout=30) as answer:
        return [one["resource"] for one in json.load(answer).get("entry", [])]


def test_who_loses_the_line_comes_back(
    house: tuple[str, Path], here: Browser, there: Browser
) -> None:
    doctor, ada = meet(house, "v2", here, there)
    sees(doctor)
    ada.context.set_offline(True)
    ada.evaluate("dispatchEvent(new Event('online'))")  # closes the socket, as a change of network
    expect(doctor.get_by_role("status").first).to_contain_text("interrupted")
    ada.context.set_offline(False)
    expect(doctor.get_by_role("status").first).to_contain_text("is here", timeout=15_000)
    sees(doctor)
    ada.reload()
    ada.get_by_role("button", name="Join the visit").click()
    sees(ada)
    sees(doctor)


def test_a_guest_joins_by_a_link(house: tuple[str, Path], here: Browser, there: Browser) -> None:
    doctor, ada = meet(house, "v3", here, there)
    ada.get_by_label("Whom the link is for").fill("Daughter")
    ada.get_by_role("button", name="Make a link").press("Enter")
    expect(ada.locator("#link")).to_have_value(re.compile("/visit#"))
    link = ada.locator("#link").input_value()
    guest = go(here, house[0], "", link)
    guest.get_by_label("Your name").fill("Ana")
    guest.get_by_role("button", name="Join the visit").click()
    doctor.get_by_role("button", name=re.compile(r"Let Ana \(Daughter\) in")).click()
    for page in (guest, doctor, ada):
        sees(page, 3)
    second = go(there, house[0], "", link)
    second.get_by_role("button", name="Join the visit").click()
    expect(second.get_by_role("alert")).to_contain_text("has been used")


STEPS = {"physician": "Join the visit", "patient": "I agree to be seen by video", "": ""}
"""Who sees the pages, and by which button they come to the next one."""

LOSSES = [
    ("a good line", [(0, 100)] * 5, 0.0, False),
    ("three tenths lost", [(30, 70)] * 4, 0.0, True),
    ("a little less", [(20, 80)] * 5, 0.0, False),
    ("one bad moment", [(0, 100), (80, 20), (0, 100), (0, 100)], 0.0, False),
    ("what we send is lost", [(0, 100)] * 4, 0.4, True),
    ("nothing comes", [(0, 0)] * 5, 0.0, False),
]


def test_a_poor_line_is_noticed_within_ten_seconds(house: tuple[str, Path], here: Browser) -> None:
    page = go(here, house[0], "", "/visit")
    for why, looks, away, bad in LOSSES:
        found = page.evaluate(
            """async ([looks, away]) => {
              const { Line } = await import("/static/visit-line.js");
              const line = new Line();
              let [packetsLost, packetsReceived, found] = [0, 0, []];
              for (const [lost, received] of looks) {
                packetsLost += lost; packetsReceived += received;
                found.push(line.look(new Map([
                  ["a", { type: "inbound-rtp", packetsLost, packetsReceived }],
                  ["b", { type: "remote-inbound-rtp", fractionLost: away }]])));
              }
              return found;
            }""",
            [looks, away],
        )
        assert any(found) is bad, why
        assert not bad or found.index(True) <= 4, "four looks after the first are eight seconds"


def test_axe_finds_nothing(house: tuple[str, Path], here: Browser) -> None:
    path = book(house, "axe")
    found: list[str] = []
    for role, button in STEPS.items():
        context = enter(here, house[0], role, reduced_motion="reduce")
        page = context.new_page()
        page.goto(path if role else "/visit")
        found += violations(page, f"{role} before")
        if button:
            page.get_by_role("button", name=button).click()
            expect(page.get_by_role("button", name=button)).to_be_hidden()
            found += violations(page, f"{role} inside")
        context.close()
    assert found == []


def test_scripts_of_the_page_are_small(house: tuple[str, Path], here: Browser) -> None:
    sizes: list[int] = []
    context = here.new_context(base_url=house[0])
    page = context.new_page()
    page.on("response", lambda r: sizes.append(int(r.headers.get("content-length", 0)))
            if ".js" in r.url else None)  # fmt: skip
    page.goto("/visit", wait_until="networkidle")
    assert len(sizes) >= 3
    assert sum(sizes) <= 40_000
    context.close()
