"""The page for app developers in a real browser: nothing from elsewhere, and a call that works."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from careplane.web import assets
from tests.support import missing
from tools.bench.server import Server
from tools.screenshots import chromium

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(300)]

SCRIPT = "vendor/swagger-ui-bundle.js"
CONTRAST = 4.5
LUMINANCE = """(element) => {
  const part = (c) => (c /= 255) <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
  const bright = (colour) => {
    const [r, g, b] = colour.match(/[\\d.]+/g).map(Number);
    return 0.2126 * part(r) + 0.7152 * part(g) + 0.0722 * part(b);
  };
  const behind = (e) => {
    const c = e ? getComputedStyle(e).backgroundColor : "rgb(255, 255, 255)";
    return /^rgba\\(.*, (0|0\\.\\d+)\\)$/.test(c) ? behind(e.parentElement) : c;
  };
  const [a, b] = [bright(getComputedStyle(element).color), bright(behind(element))];
  return (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
}"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    if not (os.environ.get("CAREPLANE_CHROMIUM") or shutil.which("chromium")):
        missing("a Chromium; install one or set CAREPLANE_CHROMIUM")
    if SCRIPT in assets.missing():
        missing("Swagger UI; install again with npm's registry in reach")
    with chromium() as browser:
        yield browser


@pytest.fixture(params=["light", "dark"])
def page(request: pytest.FixtureRequest, browser: Browser, running: Server) -> Iterator[Page]:
    """A developer's browser; whatever it asks of another site, or complains of, fails the test."""
    site = running.base.removesuffix("/fhir")
    context = browser.new_context(base_url=site, color_scheme=request.param)
    context.set_default_timeout(20_000)
    page = context.new_page()
    complaints: list[str] = []
    page.on("request", lambda r: _own(r.url, site) or complaints.append(f"asks {r.url}"))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("console", lambda m: complaints.append(m.text) if m.type == "error" else None)
    yield page
    context.close()
    assert complaints == []


def _own(url: str, site: str) -> bool:
    return url.startswith((f"{site}/", "data:", "blob:"))


def test_a_call_is_tried_out_with_a_token(page: Page, running: Server) -> None:
    page.goto("/docs")
    page.locator("#type").select_option("Patient")
    expect(page).to_have_url(f"{running.base.removesuffix('/fhir')}/docs?type=Patient")
    create = page.locator("#operations-Patient-createPatient")
    create.locator(".opblock-summary").first.wait_for()
    page.locator(".btn.authorize").first.click()
    page.locator(".modal-ux input[type=text], .modal-ux input[type=password]").fill(running.token)
    page.locator(".modal-ux .btn.authorize").click()
    page.locator(".modal-ux .btn-done").click()
    create.locator(".opblock-summary-control").click()
    create.locator("textarea").fill('{"resourceType":"Patient","name":[{"family":"Okafor"}]}')
    create.locator("button.execute").click()
    expect(create.locator(".live-responses-table .response-col_status").last).to_contain_text("201")
    expect(create.locator(".live-responses-table")).to_contain_text("Okafor")


def test_it_can_be_read(page: Page) -> None:
    page.goto("/docs?type=Observation")
    search = page.locator("#operations-Observation-searchObservation")
    search.locator(".opblock-summary-control").click()
    search.get_by_text("Modifiers :missing").first.wait_for()
    for place in (
        ".opblock-summary-path", ".parameter__name", ".parameter__type", ".response-col_status",
    ):  # fmt: skip
        found = search.locator(place).first
        assert found.evaluate(LUMINANCE) >= CONTRAST, place
    for place in (".opblock-tag", "h1", ".info .title"):
        assert page.locator(place).first.evaluate(LUMINANCE) >= CONTRAST, place
