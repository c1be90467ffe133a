"""Stored scripts: a whole record whose names, notes, titles and addresses are markup and scripts,
seen on every page by everybody who may see it. Nothing of it runs, and it is shown as text."""

from __future__ import annotations

import base64
import contextlib
import json
import os
import shutil
import urllib.request
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import cycle
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from careplane.app.demo import bundles
from tests.demo_house import served
from tests.journeys.test_pages import AUDIT, DEVIN, PAGES, enter
from tests.support import missing
from tools.bench import server
from tools.screenshots import chromium

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(300)]

PAYLOADS = (
    "<img src=x onerror=\"ran('img')\">",
    "\"><script>ran('script')</script>",
    "' autofocus onfocus='ran(1)' x='",
    "<svg/onload=ran('svg')>",
    "</textarea></title></style><script>ran('closed')</script>",
    "{{ 7 * 7 }}{% raw %}${7*7}<%= 7*7 %>",
    "<a href=\"javascript:ran('link')\">press</a>",
    "<iframe srcdoc=\"<script>parent.ran('frame')</script>\"></iframe>",
    "\u202e<math><mtext><style><img src onerror=ran('math')></style>",
)
WORDS = frozenset(
    {
        "alias", "authorString", "city", "comment", "contentString", "description", "display",
        "district", "family", "given", "label", "line", "name", "patientInstruction", "prefix",
        "state", "summary", "text", "title", "unit", "valueString",
    }
)  # fmt: skip
"""Elements whose strings are free text."""
ADDRESSES = frozenset({"url", "valueUrl"})
LINK = "javascript:ran('address')"
PDF_THAT_IS_A_PAGE = base64.b64encode(b"<html><script>parent.ran('file')</script></html>").decode()
WATCH = """
  window.tried = [];
  window.ran = (what) => window.tried.push(String(what));
  addEventListener("securitypolicyviolation", (event) =>
    window.tried.push(`${event.violatedDirective} ${event.blockedURI} ${event.sample}`));
"""
STRANGE = r"""() => {
  const found = [];
  const leads = new Set(["href", "src", "action", "formaction", "data"]);
  for (const one of document.querySelectorAll("*")) {
    for (const { name, value } of one.attributes) {
      const acts = name.startsWith("on") && typeof one[name] === "function";
      const runs = leads.has(name) && /^\s*(javascript|data|vbscript):/i.test(value);
      if (acts || (runs && !value.startsWith("data:image/"))) found.push(`${name}=${value}`);
    }
  }
  const made = "iframe, img[src='x'], math, main style, svg[onload], script:not([src])";
  for (const one of document.querySelectorAll(made)) found.push(one.outerHTML.slice(0, 80));
  return found;
}"""


def poisoned(tree: Any, payloads: Iterator[str], key: str = "") -> Any:
    """The same resource with scripts in the place of words; codes, dates and references stay."""
    if isinstance(tree, dict):
        made = {k: poisoned(v, payloads, k) for k, v in tree.items() if k not in ("div", "meta")}
        if tree.get("resourceType") in ("Patient", "Practitioner"):
            made.setdefault("telecom", []).append({"system": "url", "value": LINK})
        if "contentType" in tree and "title" in tree:  # an attachment
            made |= {"url": LINK, "data": PDF_THAT_IS_A_PAGE, "contentType": "application/pdf"}
        return made
    if isinstance(tree, list):
        return [poisoned(one, payloads, key) for one in tree]
    if isinstance(tree, str) and key in WORDS:
        return next(payloads)
    return tree


def record() -> dict[str, Any]:
    """Devin Bailey's, poisoned; and what is said of it elsewhere."""
    payloads = cycle(PAYLOADS)
    for bundle in bundles(datetime.now(UTC).date()):
        found = json.loads(bundle)
        if any(e["resource"]["id"] == "devin-bailey" for e in found["entry"]):
            for entry in found["entry"]:
                entry["resource"].pop("text", None)
                if entry["resource"]["resourceType"] == "Communication":  # what was sent stays
                    entry["resource"]["id"] += "-2"
                    entry["request"]["url"] += "-2"
                entry["resource"] = poisoned(entry["resource"], payloads)
            return dict(found)
    raise AssertionError


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    data = tmp_path_factory.mktemp("poison") / "data"
    with served(data) as address:
        _store(address, data, record())
        yield address


def _store(url: str, data: Path, bundle: dict[str, Any]) -> None:
    token = server.command("token", "--scope", "system/*.cruds", data=data).strip()
    headers = {"authorization": f"Bearer {token}", "content-type": "application/fhir+json"}
    body = json.dumps(bundle).encode()
    request = urllib.request.Request(f"{url}/fhir/", data=body, headers=headers, method="POST")
    with urllib.request.urlopen(request, timeout=60) as answer:
        assert answer.status == 200


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    if not (os.environ.get("CAREPLANE_CHROMIUM") or shutil.which("chromium")):
        missing("a Chromium; install one or set CAREPLANE_CHROMIUM")
    with chromium() as opened:
        yield opened


SEEN = {
    "physician": PAGES,
    "administrator": AUDIT,
    "patient": ("/", DEVIN, f"{DEVIN}/results", f"{DEVIN}/medications", f"{DEVIN}/access"),
    "front-desk": ("/", DEVIN),
}


@pytest.mark.parametrize("role", SEEN)
def test_nothing_of_a_poisoned_record_runs(browser: Browser, url: str, role: str) -> None:
    context = enter(browser, url, role)
    context.add_init_script(WATCH)
    page = context.new_page()
    asked: list[str] = []
    page.on("dialog", lambda dialog: (asked.append(dialog.message), dialog.dismiss()))
    found, shown = [], 0
    for path in SEEN[role]:
        page.goto(path)
        with contextlib.suppress(Exception):
            page.wait_for_load_state("networkidle", timeout=2000)
        _touch(page)
        tried, strange = page.evaluate("window.tried"), page.evaluate(STRANGE)
        if tried or strange:
            found.append((path, tried, strange))
        shown += page.locator("body").inner_text().count("onerror=")
    context.close()
    assert not found
    assert not asked
    if role != "administrator":
        assert shown >= len(SEEN[role]) // 2, "it is there, as text"


def test_the_watch_sees_what_runs(browser: Browser) -> None:
    context = browser.new_context()
    context.add_init_script(WATCH)
    page = context.new_page()
    page.goto("about:blank")
    page.set_content("".join(f"<p>{one}</p>" for one in PAYLOADS))
    page.wait_for_timeout(200)
    _touch(page)
    assert {"img", "svg", "script"} <= set(page.evaluate("window.tried"))
    assert any("javascript:" in one for one in page.evaluate(STRANGE))
    context.close()


def _touch(page: Page) -> None:
    """Go over what one could: focus and hover everything."""
    page.evaluate(
        """() => { for (const one of document.querySelectorAll("a, button, input, [tabindex]")) {
             one.focus(); one.dispatchEvent(new MouseEvent("mouseover", { bubbles: true }));
           } }"""
    )
