"""Two ways of doing what a journey says: by mouse, and by keyboard alone.

Whoever goes by keyboard takes the skip link, goes on and back with the tab key, sees where they are
(a ring of two pixels at least, in the window, under nothing), and is held nowhere. A place that is
not reached so fails the journey (WCAG 2.2: 2.1.1, 2.1.2, 2.4.1, 2.4.7, 2.4.11).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

import pytest
from playwright.sync_api import Locator, Page

_MOST = 120
"""Tabs to any place of a page: with the skip link nothing may be further."""
_PARTS = 8
"""Tabs that may stay in one field: a date has a day, a month, a year and a button."""
_HERE = """place => {
  const here = document.activeElement, box = here.getBoundingClientRect();
  const ring = getComputedStyle(here), own = here === document.body || here.id === 'main';
  const middle = (from, size, most) => Math.min(Math.max(from + size / 2, 1), most - 1);
  const top = document.elementFromPoint(
    middle(box.x, box.width, innerWidth), middle(box.y, box.height, innerHeight));
  const label = top?.closest('label');
  const inside = box.bottom > 0 && box.top < innerHeight && box.right > 0 && box.left < innerWidth;
  const met = top && (here.contains(top) || top.contains(here)
    || (label && [...(here.labels ?? [])].includes(label)));
  const stays = here === window.here;
  window.here = here;
  return {
    stays,
    reached: here === place || (here.type === 'radio' && place.type === 'radio'
      && place.name === here.name && place.form === here.form),
    back: Boolean(here.compareDocumentPosition(place) & Node.DOCUMENT_POSITION_PRECEDING),
    skip: here.className === 'skip' && document.getElementById('main').contains(place),
    name: `${here.localName} ${here.id} ${(here.innerText ?? '').slice(0, 40)}`,
    shown: own || (ring.outlineStyle !== 'none' && parseFloat(ring.outlineWidth) >= 2),
    met: own || (inside && Boolean(met)),
  };
}"""
_AWAY = """one => one.matches(
  'a[href]:not([hx-get]), form[action]:not([hx-post]) button:not([type=button])')"""
"""What leads to another page; a form without an address is a script's."""


class Hand(Protocol):
    """What somebody does on a page; `clicks` is how often, a field that is written in included."""

    page: Page
    clicks: int

    def press(self, place: Locator) -> None:
        """A link, a button, a summary; where it leads to another page, that is there then."""

    def write(self, place: Locator, text: str) -> None:
        """In the place of what stands in a field."""

    def tick(self, place: Locator) -> None:
        """A box, or one of several buttons."""

    def choose(self, place: Locator, label: str) -> None:
        """From a list."""

    def attach(self, place: Locator, file: Path) -> None:
        """A file, by the window in which one is chosen."""


def _catch_choosers(page: Page) -> None:
    """From now on: where that begins only with the key that opens one, it may come too late."""
    page.on("filechooser", lambda chosen: None)


class Mouse:
    """With a mouse, and a keyboard for words."""

    def __init__(self, page: Page) -> None:
        self.page, self.clicks = page, 0
        _catch_choosers(page)

    def press(self, place: Locator) -> None:
        self.clicks += 1
        place.click()

    def write(self, place: Locator, text: str) -> None:
        self.clicks += 1
        place.fill(text)

    def tick(self, place: Locator) -> None:
        self.clicks += 1
        place.check()

    def choose(self, place: Locator, label: str) -> None:
        self.clicks += 1
        place.select_option(label=label)

    def attach(self, place: Locator, file: Path) -> None:
        self.clicks += 1
        with self.page.expect_file_chooser() as chosen:
            place.click()
        chosen.value.set_files(file)


class Keys:
    """With the keyboard alone."""

    def __init__(self, page: Page) -> None:
        self.page, self.clicks = page, 0
        _catch_choosers(page)

    def press(self, place: Locator) -> None:
        self.clicks += 1
        self._reach(place)
        if place.evaluate(_AWAY):
            with self.page.expect_navigation(wait_until="domcontentloaded"):
                self.page.keyboard.press("Enter")
        else:
            self.page.keyboard.press("Enter")

    def write(self, place: Locator, text: str) -> None:
        self.clicks += 1
        self._reach(place)
        kind = place.get_attribute("type")
        if kind in ("date", "time", "datetime-local"):
            self._write_parts(place, text)
            return
        self.page.keyboard.press("Control+A")
        self.page.keyboard.type(text)
        assert place.input_value() == text

    def tick(self, place: Locator) -> None:
        self.clicks += 1
        self._reach(place)
        for _ in range(_MOST):
            if place.is_checked():
                return
            radio = place.get_attribute("type") == "radio"
            alone = radio and self._is_here(place)
            self.page.keyboard.press("Space" if alone or not radio else "ArrowDown")
        raise AssertionError(f"no key ticks {place}")

    def choose(self, place: Locator, label: str) -> None:
        self.clicks += 1
        self._reach(place)
        self.page.keyboard.press("Home")
        for _ in range(place.locator("option").count()):
            if place.evaluate("one => one.selectedOptions[0]?.label.trim()") == label:
                return
            self.page.keyboard.press("ArrowDown")
        raise AssertionError(f"no key chooses {label} from {place}")

    def attach(self, place: Locator, file: Path) -> None:
        self.clicks += 1
        self._reach(place)
        with self.page.expect_file_chooser() as chosen:
            self.page.keyboard.press("Space")
        chosen.value.set_files(file)

    def _write_parts(self, place: Locator, text: str) -> None:
        """A date or a time, part by part; their order is that of the browser's own language."""
        day, _, time = text.partition("T") if "-" in text else ("", "", text)
        year, month, date = day.split("-") if day else ("", "", "")
        for parts in ((month, date, year), (date, month, year), (year, month, date)):
            while self._is_here(place):  # whoever comes from behind stands at the last part
                self.page.keyboard.press("Shift+Tab")
            self.page.keyboard.press("Tab")
            self.page.keyboard.type("".join((*parts, *time.split(":"))))
            if place.input_value() == text:
                return
        raise AssertionError(f"{text} cannot be typed into {place}")

    def _is_here(self, place: Locator) -> bool:
        return bool(place.evaluate("one => one === document.activeElement"))

    def _reach(self, place: Locator) -> None:
        """By the tab key, the shorter way."""
        target = place.element_handle()
        seen, stays = self._look(target), 0
        for _ in range(_MOST):
            if seen["reached"]:
                return
            if seen["skip"]:
                self.page.keyboard.press("Enter")
                self.page.keyboard.press("Tab")
            else:
                self.page.keyboard.press("Shift+Tab" if seen["back"] else "Tab")
            seen = self._look(target)
            stays = stays + 1 if seen["stays"] else 0
            assert stays <= _PARTS, f"the tab key does not leave {seen['name']}"
            assert seen["shown"], f"nothing shows that {seen['name']} has the focus"
            assert seen["met"], f"{seen['name']} has the focus and is out of sight"
        raise AssertionError(f"the tab key does not come to {place}, but to {seen['name']}")

    def _look(self, target: Any) -> dict[str, Any]:
        found: dict[str, Any] = self.page.evaluate(_HERE, target)
        return found


@contextmanager
def within(hand: Hand, most: int) -> Iterator[None]:
    """What is done inside takes no more clicks than this."""
    before = hand.clicks
    yield
    assert hand.clicks - before <= most


Way = Callable[[Page], Hand]
EITHER = pytest.mark.parametrize(
    "way", [pytest.param(Keys, id="keys"), pytest.param(Mouse, id="mouse", marks=pytest.mark.soak)]
)
"""A journey that is done in both ways; every day by keyboard, which needs what a mouse needs."""
