"""Sets what is said as PDF (PDF/UA-1, so that screen readers read it): typst, with fonts of Noto
for Latin, Greek, Cyrillic and Arabic; other scripts with the fonts of this machine."""

from __future__ import annotations

import asyncio
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Literal

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from careplane.sharing.ips.narrative import plain

_FONTS = ("fontpkg_noto_sans", "fontpkg_noto_sans_arabic")
_TEMPLATE = Path(__file__).with_name("summary.typ")
_together = asyncio.Semaphore(2)


class Banner(Struct, frozen=True):
    """Who it is, on each page; `facts` are labels with values."""

    name: str
    other: str
    facts: list[tuple[str, str]]
    allergies: str


class Section(Struct, frozen=True):
    """One section; `note` says why there are no rows, or that there are more."""

    title: str
    heads: list[str]
    rows: list[list[str]]
    note: str


class Paper(Struct, frozen=True):
    """Everything that is said, in one language. `paper` is a size as typst calls it."""

    title: str
    language: str
    rtl: bool
    paper: str
    banner: Banner
    sections: list[Section]
    foot: str
    page: str
    unshown: str


async def pdf(paper: Paper) -> bytes:
    """The file. Letters that no font here has are boxes, and `unshown` says so on each page."""
    async with _together:
        return await asyncio.to_thread(_set, paper)


def _set(paper: Paper) -> bytes:
    import typst  # large, and few requests want it

    try:
        return _compiled(replace(paper, unshown=""), "ua-1")
    except typst.TypstError:  # the standard has no place for letters that cannot be shown
        return _compiled(paper, "1.7")


def _compiled(paper: Paper, standard: Literal["ua-1", "1.7"]) -> bytes:
    import typst

    return typst.compile(
        _TEMPLATE,
        font_paths=_folders(),
        format="pdf",
        sys_inputs={"data": plain(msgspec.json.encode(paper).decode())},
        pdf_standards=standard,
    )


@cache
def _folders() -> list[Path]:
    found = (find_spec(name) for name in _FONTS)
    return [Path(spec.origin).parent for spec in found if spec and spec.origin]
