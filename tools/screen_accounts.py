"""An installation whose people have accounts: an administrator, a nurse, and somebody who is
invited."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pyotp
from playwright.sync_api import Browser, StorageState

from tools.bench import server

_PASSWORD = "four words of mine here"


@contextmanager
def served(browser: Browser, data: Path) -> Iterator[tuple[str, StorageState, dict[str, str]]]:
    """Its address, what the browser of the administrator keeps, and what paths of screens name."""
    server.command("init", data=data)
    with server.serving(data) as started:
        url = started.base.removesuffix("/fhir").replace("127.0.0.1", "localhost")
        context = browser.new_context(base_url=url)
        page = context.new_page()
        page.goto(_invited(data, "robin", "Robin Castellanos", "administrator"))
        app = pyotp.TOTP(page.locator(".secret").inner_text())
        page.get_by_label("New password").fill(_PASSWORD)
        page.get_by_label("The same password again").fill(_PASSWORD)
        page.get_by_label("The code that the app shows now").fill(app.now())
        page.get_by_role("button", name="Set up the password").click()
        page.wait_for_selector(".codes")
        code = _invited(data, "grace", "Grace Okonkwo", "nurse").partition("code=")[2]
        _invited(data, "sam", "Sam Whitfield", "front-desk")
        page.goto("/clients")
        page.get_by_label("Name", exact=True).fill("Laboratory")
        page.locator("main [name=scope], main [name=scopes]").first.fill("system/Observation.rs")
        page.get_by_role("button", name="Register").click()
        page.wait_for_selector(".said")
        page.goto("/people")
        page.get_by_role("link", name="Grace Okonkwo").click()
        page.wait_for_url("**/people/*")
        person = page.url.rpartition("/")[2]
        yield url, context.storage_state(), {"code": code, "person": person}
        context.close()


def _invited(data: Path, login: str, name: str, role: str) -> str:
    """The path of an invitation."""
    words = ("user", "add", login, "--name", name, "--role", role, "--json")
    made = json.loads(server.command(*words, data=data))
    return "/set-up?" + str(made["invitation"]).partition("/set-up?")[2]
