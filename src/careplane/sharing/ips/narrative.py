"""Narratives of a summary: XHTML that is made here, of text that is escaped (R4, 2.4.0).

Nothing of a stored narrative is taken over.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from html import escape

from careplane.fhir.lines import Line
from careplane.fhir.tree import Tree
from careplane.sharing.ips.spoken import status
from careplane.words.audience import audience
from careplane.words.catalogues import gettext as _
from careplane.words.catalogues import mark

_UNSAFE = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ufffe\uffff\ud800-\udfff]"
)
"""What XML has not, and marks that turn the direction of what follows."""
_SYSTEM = re.compile(r"\b(?:https?|urn):[^\s|]+\|")
_DATE = 10
HEADS = (mark("What"), mark("Status"), mark("When"), mark("Details"))


def plain(value: str) -> str:
    """Any text, without what no page and no paper shows."""
    return _UNSAFE.sub("\N{REPLACEMENT CHARACTER}", value)


def text(value: str) -> str:
    """Any text, safe between tags."""
    return escape(plain(value))


def narrative(*blocks: str) -> Tree:
    """A generated Narrative of blocks of XHTML, in the language of the audience."""
    to = audience()
    said = f'xml:lang="{to.language}" lang="{to.language}" dir="{to.direction}"'
    head = f'<div xmlns="http://www.w3.org/1999/xhtml" {said}>'
    return {"status": "generated", "div": head + "".join(blocks) + "</div>"}


def paragraph(value: str) -> str:
    """One."""
    return f"<p>{text(value)}</p>"


def table(rows: Sequence[Line]) -> str:
    """Lines, one a row."""
    heads, cells = columns(rows)
    head = "".join(f"<th>{text(_(one))}</th>" for one in heads)
    body = "".join(
        "<tr>" + "".join(f"<td>{text(cell)}</td>" for cell in row) + "</tr>" for row in cells
    )
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def columns(rows: Sequence[Line]) -> tuple[list[str], list[list[str]]]:
    """Heads, in English, and cells: codes without their system, times without the time of day;
    columns in which nothing stands are left out."""
    cells = [
        [
            _SYSTEM.sub("", cell)
            for cell in (
                row.what or row.code or "—",
                status(row.status),
                row.date[:_DATE],
                row.detail,
            )
        ]
        for row in rows
    ]
    shown = [n for n in range(len(HEADS)) if n == 0 or any(row[n] for row in cells)]
    return [HEADS[n] for n in shown], [[row[n] for n in shown] for row in cells]
