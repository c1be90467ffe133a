"""Apps that act for people, in a real browser: a tiny app uses `fhirclient` of npm as it was
published, by itself and opened from a chart. App and server are different sites, as they are out
there."""

from __future__ import annotations

import base64
import contextlib
import functools
import hashlib
import json
import os
import shutil
import subprocess
import tarfile
import threading
from collections.abc import Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.demo_house import served
from tests.hands import Keys, within
from tests.journeys.test_clients_of_others import node
from tests.support import missing
from tools.bench import server
from tools.screenshots import chromium

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(300)]

PAGES = Path(__file__).with_name("smart_app")
PACKAGE = "fhirclient@2.6.3"
INTEGRITY = (
    "sha512-CirZixcwWelbkIXxpxlNQx5+ZdJirl6F1s4y4yvA1X7hHAkr9n99a"
    "VHaMi0wX+97nATjKQ65X6NB5as/wZoJzg=="
)
BUILT = "package/build/fhir-client.js"


class Quiet(SimpleHTTPRequestHandler):
    """Files of a folder, without a line for each request."""

    def log_message(self, *_: Any) -> None: ...


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The app, served at another name of this machine: another site, for a browser."""
    folder = tmp_path_factory.mktemp("app")
    for page in PAGES.iterdir():
        shutil.copy(page, folder)
    try:
        subprocess.run(
            [*node("npm"), "pack", PACKAGE, "--ignore-scripts", "--silent"],
            cwd=folder, check=True, timeout=100, capture_output=True,
        )  # fmt: skip
    except (OSError, subprocess.SubprocessError):
        missing(f"npm's registry, for {PACKAGE}")
    (packed,) = folder.glob("*.tgz")
    digest = base64.b64encode(hashlib.sha512(packed.read_bytes()).digest()).decode()
    assert f"sha512-{digest}" == INTEGRITY
    with tarfile.open(packed) as archive:
        built = archive.extractfile(BUILT)
        assert built is not None
        (folder / "fhir-client.js").write_bytes(built.read())
    handler = functools.partial(Quiet, directory=str(folder))
    serving = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=serving.serve_forever, daemon=True)
    thread.start()
    yield f"http://localhost:{serving.server_port}"
    serving.shutdown()
    serving.server_close()
    thread.join()


@pytest.fixture(scope="module")
def url(app: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The demo, where the app is registered."""
    data = tmp_path_factory.mktemp("demo") / "data"
    with served(data) as address:
        scopes = (
            "launch launch/patient openid fhirUser offline_access online_access patient/*.rs "
            "user/*.rs"
        )
        server.command(
            "client", "add", "Diary", "--id", "diary", "--public", "--scope", scopes,
            "--redirect-uri", f"{app}/app.html", "--launch-url", f"{app}/launch.html", data=data,
        )  # fmt: skip
        yield address


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    if not (os.environ.get("CAREPLANE_CHROMIUM") or shutil.which("chromium")):
        missing("a Chromium; install one or set CAREPLANE_CHROMIUM")
    with chromium() as browser:
        yield browser


@contextlib.contextmanager
def someone(browser: Browser) -> Iterator[BrowserContext]:
    context = browser.new_context(reduced_motion="reduce")
    context.set_default_timeout(20_000)
    yield context
    context.close()


def sign_in(page: Page, role: str) -> None:
    page.locator(f"button[value={role}]").click()


def said(page: Page, error: bool = False) -> Any:
    """What the app found out."""
    expect(page).to_have_title("Done", timeout=20_000)
    found = json.loads(page.locator("#said").inner_text())
    assert error == ("error" in found), found
    return found


def test_a_clinician_starts_the_app_and_chooses_a_patient(
    browser: Browser, url: str, app: str
) -> None:
    with someone(browser) as context:
        page = context.new_page()
        page.goto(f"{app}/launch.html?server={url}/fhir")
        sign_in(page, "physician")
        expect(page.get_by_role("heading", name="Choose a patient")).to_be_visible()
        assert Axe().run(page).violations_count == 0
        page.get_by_label("Name").fill("bailey")
        page.get_by_role("button", name="Search").click()
        page.get_by_role("link", name="BAILEY, Devin").click()
        expect(page.get_by_role("heading", name="Allow “Diary”?")).to_be_visible()
        assert Axe().run(page).violations_count == 0
        page.get_by_role("button", name="Allow", exact=True).click()
        found = said(page)
        assert (found["patient"], found["user"]) == (
            "devin-bailey",
            "Practitioner/demo-cardiologist",
        )
        assert (found["observations"], found["renewed"], found["banner"]) == (3, True, True)
        assert "patient/*.rs" in found["scope"].split()


def test_a_patient_allows_it_sees_it_and_ends_it(browser: Browser, url: str, app: str) -> None:
    with someone(browser) as context:
        page = context.new_page()
        page.goto(f"{url}/sign-in")
        sign_in(page, "patient")
        page.goto(f"{app}/launch.html?server={url}/fhir")
        expect(page.get_by_text("It is about your own record:")).to_be_visible()
        page.get_by_label("Documents and notes").uncheck()
        page.get_by_role("button", name="Allow", exact=True).click()
        found = said(page)
        assert (found["patient"], found["user"]) == ("devin-bailey", "Patient/devin-bailey")
        assert found["renewed"] is True
        assert "patient/*.rs" not in found["scope"].split()
        assert "patient/DocumentReference.rs" not in found["scope"].split()
        page.goto(url)
        patient = Keys(page)
        with within(patient, 3):
            patient.press(page.get_by_role("link", name="Apps I allowed").first)
            expect(page.get_by_role("heading", name="Diary")).to_be_visible()
            assert Axe().run(page).violations_count == 0
            patient.press(page.get_by_role("button", name="End “Diary”"))
        expect(page.get_by_text("You have not allowed any app.")).to_be_visible()
        page.goto(f"{app}/launch.html?server={url}/fhir")
        expect(page.get_by_role("heading", name="Allow “Diary”?")).to_be_visible()
        page.get_by_role("button", name="Do not allow").click()
        assert "access_denied" in said(page, error=True)["error"]


def test_the_app_is_opened_from_a_chart(browser: Browser, url: str, app: str) -> None:
    with someone(browser) as context:
        page = context.new_page()
        page.goto(f"{url}/sign-in")
        sign_in(page, "physician")
        page.goto(f"{url}/patients/layla-haddad/apps")
        assert Axe().run(page).violations_count == 0
        with context.expect_page() as opened:
            page.get_by_role("button", name="Open “Diary”").click()
        tab = opened.value
        tab.get_by_role("button", name="Allow", exact=True).click()
        found = said(tab)
        assert (found["patient"], found["user"]) == (
            "layla-haddad",
            "Practitioner/demo-cardiologist",
        )
        assert found["renewed"] is True
