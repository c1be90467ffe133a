"""Files of reports and documents: shown where they are plain text, else to be saved.

A file is never shown as what it says it is: it is sent to be saved, under a name that is ours but
for harmless letters, and never sniffed.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Sequence
from typing import Any

from starlette.responses import Response

from careplane.fhir.tree import Tree
from careplane.kernel.errors import NotFound
from careplane.web.security import HEADERS, PRIVATE
from careplane.web.visit import Visit

_ENDINGS = {
    "application/pdf": "pdf",
    "image/jpeg": "jpg",
    "image/png": "png",
    "text/plain": "txt",
}
"""Kinds of files that keep their type; others are saved as bytes."""
_LONGEST = 50_000


def of_report(tree: Tree) -> list[Tree]:
    """The attachments of a DiagnosticReport."""
    return list(tree.get("presentedForm", ()))


def of_document(tree: Tree) -> list[Tree]:
    """The attachments of a DocumentReference."""
    return [one["attachment"] for one in tree.get("content", ()) if "attachment" in one]


def rows(path: str, attachments: Sequence[Tree]) -> list[dict[str, Any]]:
    """What a page lists: a title, the text where it is one, and where the file can be had."""
    return [
        {
            "title": str(one.get("title", "")),
            "kind": _kind(one),
            "text": _text(one),
            "path": f"{path}/files/{number}" if "data" in one or _binary(one) else "",
        }
        for number, one in enumerate(attachments)
    ]


async def file(visit: Visit, attachments: Sequence[Tree], number: str) -> Response:
    """One of them, to be saved. Raises NotFound, and what reading a Binary raises."""
    if not (number.isascii() and number.isdigit() and int(number[:4]) < len(attachments)):
        raise NotFound("There is no such file.")
    one = attachments[int(number)]
    data, kind = one.get("data", ""), _kind(one)
    if not data and (binary := _binary(one)):
        record = await visit.reader.read("Binary", binary)
        data, kind = record.tree.get("data", ""), str(record.tree.get("contentType", kind))
    body = _decoded(str(data))
    if not body:
        raise NotFound("This file is not kept here.")
    kind = kind.partition(";")[0].strip().lower()
    ending = _ENDINGS.get(kind, "bin")
    name = re.sub(r"[^A-Za-z0-9]+", "-", str(one.get("title", "")))[:60].strip("-") or "document"
    headers = {"Content-Disposition": f'attachment; filename="{name}.{ending}"'}
    media = kind if kind in _ENDINGS else "application/octet-stream"
    return Response(body, media_type=media, headers=HEADERS | PRIVATE | headers)


def _kind(one: Tree) -> str:
    return str(one.get("contentType", ""))


def _binary(one: Tree) -> str:
    found = re.fullmatch(r"Binary/([A-Za-z0-9.-]{1,64})", str(one.get("url", "")))
    return found[1] if found else ""


def _text(one: Tree) -> str:
    if _kind(one).partition(";")[0].strip().lower() != "text/plain" or "data" not in one:
        return ""
    return _decoded(str(one["data"])).decode("utf-8", "replace")[:_LONGEST]


def _decoded(data: str) -> bytes:
    try:
        return base64.b64decode(data)
    except (binascii.Error, ValueError):
        return b""
