"""The installed portal without a network: the shell opens, drafts survive and are nobody else's,
and nothing of a patient is kept."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.journeys.test_pages import browser, enter, url
from tests.looks import LOOKS

__all__ = ["browser", "url"]
pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(300)]

WORDS = "The dose of my \u2665 medicine is 5 mg <b>"
TYPED = "[...Object.keys(localStorage)].filter(key => key.startsWith('draft:'))"


@pytest.fixture
def context(browser: Browser, url: str) -> Iterator[BrowserContext]:
    context = enter(browser, url, "patient", **LOOKS["phone"])
    yield context
    context.close()


@pytest.fixture
def page(context: BrowserContext) -> Page:
    """Signed in, with the worker at work."""
    page = context.new_page()
    page.goto("/")
    page.evaluate("navigator.serviceWorker.ready.then(() => 1)")
    page.reload()
    assert page.evaluate("Boolean(navigator.serviceWorker.controller)")
    return page


def keeps(page: Page, count: int) -> None:
    """So many drafts are kept here, within a moment."""
    for _ in range(50):
        if page.evaluate(f"{TYPED}.length") == count:
            return
        page.wait_for_timeout(50)
    raise AssertionError(page.evaluate(TYPED))


def write(page: Page, words: str = WORDS) -> None:
    """Type into the form, until it is kept."""
    page.goto("/my/corrections")
    page.get_by_label("What is wrong").fill(words)
    keeps(page, 1)


def test_the_shell_opens_without_a_network(page: Page, context: BrowserContext) -> None:
    context.set_offline(True)
    for path in ("/", "/my/results"):
        page.goto(path)
        expect(page.locator("h1")).to_have_text("No connection")
        expect(page.locator("main")).to_contain_text("is kept on this device")
        assert page.evaluate("getComputedStyle(document.body).display") == "flex"
    context.set_offline(False)
    expect(page.locator("h1")).to_have_text("Test results", timeout=15_000)  # by itself


def test_the_worker_keeps_the_shell_and_nothing_of_a_patient(page: Page) -> None:
    for path in ("/my/results", "/my/medicines", "/my/health"):
        page.goto(path)
    kept = page.evaluate(
        """async () => {
          const found = [];
          for (const name of await caches.keys())
            for (const request of await (await caches.open(name)).keys()) {
              const answer = await (await caches.open(name)).match(request);
              found.push([new URL(request.url).pathname, await answer.text()]);
            }
          return found;
        }"""
    )
    assert "/offline" in [path for path, _ in kept]
    for path, text in kept:
        assert path == "/offline" or path.startswith("/static/")
        assert "Devin" not in text
        assert "Bailey" not in text


def test_a_draft_survives_a_lost_connection_and_is_sent(
    page: Page, context: BrowserContext
) -> None:
    write(page)
    context.set_offline(True)
    page.get_by_role("button", name="Send").click()
    expect(page.get_by_role("alert")).to_contain_text("There is no connection")
    page.reload()
    expect(page.locator("h1")).to_have_text("No connection")
    context.set_offline(False)
    page.goto("/my/corrections")
    expect(page.get_by_role("status")).to_contain_text("What you typed before is back")
    expect(page.get_by_label("What is wrong")).to_have_value(WORDS)
    page.get_by_role("button", name="Send").click()
    expect(page.get_by_role("status")).to_contain_text("Your request was sent")
    keeps(page, 0)
    page.goto("/my/corrections")
    expect(page.get_by_label("What is wrong")).to_have_value("")


def test_a_form_that_was_not_taken_is_not_forgotten(page: Page, context: BrowserContext) -> None:
    write(page)
    context.clear_cookies()  # the session ends while one types
    page.get_by_role("button", name="Send").click()
    expect(page.locator("h1")).to_have_text("Sign in")
    page.locator("button[value=patient]").click()
    page.goto("/my/corrections")
    expect(page.get_by_label("What is wrong")).to_have_value(WORDS)
    page.evaluate("document.querySelector('main form').action = '/my/visits/none/cancel'")
    page.get_by_role("button", name="Send").click()
    expect(page.locator("h1")).to_have_text("Nothing here")
    page.goto("/my/corrections")
    expect(page.get_by_label("What is wrong")).to_have_value(WORDS)


def test_a_draft_can_be_discarded_by_keyboard(page: Page) -> None:
    write(page)
    page.reload()
    discard = page.get_by_role("button", name="Discard it")
    discard.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_label("What is wrong")).to_have_value("")
    expect(page.get_by_label("What is wrong")).to_be_focused()
    assert page.evaluate(f"{TYPED}.length") == 0


def test_a_draft_is_read_by_nobody_else(page: Page, context: BrowserContext) -> None:
    write(page)
    kept = page.evaluate("JSON.stringify(localStorage)")
    for word in ("dose", "medicine", json.dumps(WORDS)[1:-1]):
        assert word not in kept
    context.clear_cookies()  # the session has ended, and somebody else signs in
    page.goto("/sign-in")
    assert page.evaluate(f"{TYPED}.length") == 1
    page.locator("button[value=proxy]").click()
    page.goto("/my/corrections")
    expect(page.get_by_label("What is wrong")).to_have_value("")
    keeps(page, 0)


def test_nothing_stays_after_signing_out(page: Page, context: BrowserContext) -> None:
    write(page)
    page.get_by_role("button", name="Sign out").click()
    expect(page.locator("h1")).to_have_text("Sign in")
    assert page.evaluate("localStorage.length") == 0


def test_it_can_be_installed(page: Page, context: BrowserContext) -> None:
    protocol = context.new_cdp_session(page)
    found = protocol.send("Page.getAppManifest")
    assert found["errors"] == []
    manifest = json.loads(found["data"])
    assert {icon["purpose"] for icon in manifest["icons"]} == {"any", "maskable"}
    for icon in manifest["icons"]:
        answer = page.request.get(icon["src"])
        assert answer.headers["content-type"] == icon["type"]
        if icon["type"] == "image/png":
            width = int.from_bytes(answer.body()[16:20])
            assert icon["sizes"] == f"{width}x{width}"
    errors = protocol.send("Page.getInstallabilityErrors")["installabilityErrors"]
    assert [one["errorId"] for one in errors] in ([], ["in-incognito"])


@pytest.mark.parametrize("path", ["/", "/my/corrections", "/my/results/33762-6"])
def test_first_scripts_are_small(page: Page, path: str, browser: Browser, url: str) -> None:
    context = enter(browser, url, "patient")
    fresh = context.new_page()
    sizes: dict[str, int] = {}
    fresh.on("response", lambda r: sizes.update({re.sub(r"\?.*", "", r.url):
             int(r.headers.get("content-length", 0))}) if ".js" in r.url else None)  # fmt: skip
    fresh.goto(path, wait_until="networkidle")
    context.close()
    assert len(sizes) >= 3
    assert sum(sizes.values()) <= 40_000, sizes
