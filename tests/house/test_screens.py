"""Every page has a picture (`tools.screens`), or is named with the reason why it has none."""

from __future__ import annotations

import re

from tools import screens


def test_every_page_has_a_picture_or_a_reason() -> None:
    there, seen = {one.path for one in screens.pages()}, screens.seen()
    assert there - seen - set(screens.UNSEEN) == set()
    assert set(screens.UNSEEN) - there == set(), "no such address any more"
    assert set(screens.UNSEEN) & seen == set(), "it has a picture now"


def test_every_picture_is_there_and_no_other() -> None:
    folder = screens.ROOT / "docs/screenshots/screens"
    wanted = {f"{one.name}{look}.jpg" for one in screens.ALL for look in screens.LOOKS}
    assert {one.name for one in folder.glob("*.jpg")} == wanted
    shown = re.findall(r"\]\(([\w-]+\.jpg)\)", (folder / "README.md").read_text())
    assert set(shown) == wanted
