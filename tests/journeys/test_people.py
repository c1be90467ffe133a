"""People in a real browser with an authenticator of its own (Chromium's, by its protocol): from the
invitation to signing in, confirming, administering, and out; axe on each page on the way."""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pyotp
import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.looks import violations
from tests.support import missing
from tools.bench import server
from tools.screenshots import chromium

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(300)]
PASSWORD = "four words of mine here"


@dataclass(frozen=True)
class Installation:
    """A server on this machine, at a name that passkeys are good for, and its data folder."""

    url: str
    data: Path

    def invited(self, login: str, name: str, *roles: str) -> str:
        """The path of an invitation of somebody new."""
        words = [word for role in roles for word in ("--role", role)]
        made = server.command(
            "user", "add", login, "--name", name, *words, "--json", data=self.data
        )
        return str(json.loads(made)["invitation"]).partition("8080")[2]


@pytest.fixture(scope="module")
def there(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    data = tmp_path_factory.mktemp("people") / "data"
    server.command("init", data=data)
    with server.serving(data) as started:
        base = started.base.removesuffix("/fhir").replace("127.0.0.1", "localhost")
        yield Installation(base, data)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    if not (os.environ.get("CAREPLANE_CHROMIUM") or shutil.which("chromium")):
        missing("a Chromium; install one or set CAREPLANE_CHROMIUM")
    with chromium() as browser:
        yield browser


@pytest.fixture
def context(browser: Browser, there: Installation) -> Iterator[BrowserContext]:
    context = browser.new_context(base_url=there.url, reduced_motion="reduce")
    context.set_default_timeout(15_000)
    yield context
    context.close()


@pytest.fixture
def page(context: BrowserContext) -> Iterator[Page]:
    """A page with an authenticator that verifies its user; its console must not complain."""
    page = context.new_page()
    protocol = context.new_cdp_session(page)
    protocol.send("WebAuthn.enable")
    protocol.send(
        "WebAuthn.addVirtualAuthenticator",
        {
            "options": {
                "protocol": "ctap2",
                "transport": "internal",
                "hasResidentKey": True,
                "hasUserVerification": True,
                "isUserVerified": True,
                "automaticPresenceSimulation": True,
            }
        },
    )
    complaints: list[str] = []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("console", lambda m: complaints.append(m.text) if m.type == "error" else None)
    yield page
    assert [text for text in complaints if "status of 40" not in text] == []


def with_passkey(page: Page, invitation: str) -> None:
    page.goto(invitation)
    page.get_by_label("What you call it").fill("Ward computer")
    page.get_by_role("button", name="Make a passkey").click()
    expect(page.locator("h1")).to_have_text("My security")


def test_a_passkey_from_the_invitation_to_signing_out(page: Page, there: Installation) -> None:
    with_passkey(page, there.invited("grace", "Grace Example", "nurse"))
    expect(page.locator("main")).to_contain_text("Ward computer")
    expect(page.locator("main")).to_contain_text("This browser")
    page.get_by_role("button", name="Sign out", exact=True).click()
    expect(page.locator("h1")).to_have_text("Sign in")
    page.goto("/patients")
    expect(page).to_have_url(re.compile("/sign-in\\?next=/patients$"))
    page.get_by_role("button", name="Sign in with a passkey").click()
    expect(page).to_have_url(re.compile("/patients$"))
    expect(page.locator(".me")).to_contain_text("Grace Example")
    page.goto("/security")
    page.get_by_role("button", name="Sign out everywhere").click()
    expect(page.locator("h1")).to_have_text("Sign in")
    page.goto("/")
    expect(page.locator("h1")).to_have_text("Sign in")


def test_who_lets_the_authenticator_wait_is_told_so(page: Page, there: Installation) -> None:
    page.goto("/sign-in")
    problem = page.locator("[data-problem]")
    expect(problem).to_be_hidden()
    page.get_by_role("button", name="Sign in with a passkey").click()
    expect(problem).to_be_visible()
    expect(problem).to_be_focused()


def test_a_password_by_the_keyboard_and_without_scripts(
    browser: Browser, there: Installation
) -> None:
    context = browser.new_context(base_url=there.url, java_script_enabled=False)
    page = context.new_page()
    page.goto(there.invited("frances", "Frances Example", "nurse"))
    app = pyotp.TOTP(page.locator(".secret").inner_text())
    page.get_by_label("New password").fill(PASSWORD)
    page.get_by_label("The same password again").fill(PASSWORD)
    page.get_by_label("The code that the app shows now").fill("000000")
    page.keyboard.press("Enter")
    expect(page.locator(".problem[role=alert]").first).to_contain_text("not the code")
    page.get_by_label("New password").fill(PASSWORD)
    page.get_by_label("The same password again").fill(PASSWORD)
    page.get_by_label("The code that the app shows now").fill(app.now())
    page.keyboard.press("Enter")
    expect(page.locator("h1")).to_have_text("Recovery codes")
    codes = page.locator(".codes li").all_inner_texts()
    assert len(codes) == 10
    page.get_by_role("link", name="I have kept them").click()
    expect(page.locator("main")).to_contain_text("10 are left")
    page.get_by_role("button", name="Sign out", exact=True).click()
    page.get_by_label("Login").fill("frances")
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_label(re.compile("^Code")).fill(codes[0])
    page.keyboard.press("Enter")
    expect(page.locator(".me")).to_contain_text("Frances Example")
    context.close()


def test_an_administrator_adds_somebody_and_a_client(page: Page, there: Installation) -> None:
    with_passkey(page, there.invited("ada", "Ada Example", "administrator"))
    page.get_by_role("link", name="Accounts").click()
    page.get_by_label("Name", exact=True).fill("Mary Example")
    page.get_by_label(re.compile("^Login")).fill("mary")
    page.get_by_label("Role", exact=True).select_option("front-desk")
    page.get_by_role("button", name="Add and invite").click()
    link = page.locator(".said .secret").inner_text()
    assert link.startswith(f"{there.url}/set-up?code=")
    expect(page.locator("main")).to_contain_text("nothing yet: invited")
    page.get_by_label("One more role").select_option("nurse")
    page.get_by_role("button", name="Grant").click()
    expect(page.locator("main")).to_contain_text("nurse")
    page.get_by_role("link", name="Clients").click()
    page.get_by_label("Name", exact=True).fill("Lab")
    page.get_by_label(re.compile("^Scopes")).fill("system/Observation.rs")
    page.get_by_role("button", name="Register").click()
    expect(page.locator(".said .secret").nth(1)).to_contain_text("cps_")
    page.goto("/confirm?next=/people")
    page.get_by_role("button", name="Confirm with a passkey").click()
    expect(page.locator("h1")).to_have_text("People")


def test_axe_finds_nothing_on_the_pages_of_people(browser: Browser, there: Installation) -> None:
    context = browser.new_context(base_url=there.url, reduced_motion="reduce")
    page = context.new_page()
    found: list[str] = []

    def looked(name: str) -> None:
        found.extend(violations(page, name))

    page.goto("/sign-in")
    looked("sign-in")
    page.goto("/set-up?code=nothing")
    looked("over")
    page.goto(there.invited("axe", "Axe", "administrator"))
    looked("set-up")
    app = pyotp.TOTP(page.locator(".secret").inner_text())
    page.get_by_label("New password").fill(PASSWORD)
    page.get_by_label("The same password again").fill(PASSWORD)
    page.get_by_label("The code that the app shows now").fill(app.now())
    page.get_by_role("button", name="Set up the password").click()
    looked("recovery")
    for path in ("/security", "/security/password", "/confirm", "/people", "/clients"):
        page.goto(path)
        looked(path[1:].replace("/", "-"))
    page.goto("/people")
    page.get_by_role("link", name="Axe", exact=True).click()
    looked("oneself")
    page.goto("/people")
    page.get_by_label("Name", exact=True).fill("Somebody Example")
    page.get_by_label(re.compile("^Login")).fill("somebody")
    page.get_by_role("button", name="Add and invite").click()
    looked("user")
    context.close()
    assert not found, "\n".join(found)
