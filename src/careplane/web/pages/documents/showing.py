"""One document: what is known of it and its content, and its file by itself.

A file is somebody else's bytes, so it never comes as a page: its media type is the one that its
bytes were found to be, nothing may guess another, nothing in it may run or load anything.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import quote

from starlette.responses import Response

from careplane.access.caller import Caller
from careplane.care.documents import given
from careplane.care.documents.documents import Documents, File
from careplane.care.documents.types import TYPES
from careplane.care.provenance import reason_of
from careplane.fhir.tree import Tree
from careplane.kernel.errors import Conflict, Incorrect, NotFound
from careplane.web.chart import filed as rows
from careplane.web.forms import fields
from careplane.web.i18n import mark
from careplane.web.pages import chart
from careplane.web.pages.documents.adding import documents_of
from careplane.web.pages.filed import TITLES, encounter_said, names_of
from careplane.web.say.dates import say_date
from careplane.web.say.problems import Problem, Problems
from careplane.web.security import HEADERS, POLICY, PRIVATE
from careplane.web.uploads import said
from careplane.web.visit import Visit, redirect

Sent = dict[str, str]
Work = Callable[[Documents, Caller, str, Sent], Awaitable[None]]
_SANDBOX = "default-src 'none'; sandbox"
_INLINE = frozenset({"image", "pdf", "video", "audio"})
_TEXT = 200_000
_RANGE = re.compile(r"bytes=(\d{0,15})-(\d{0,15})")


async def show(visit: Visit) -> Response:
    """GET /patients/{id}/documents/{document}."""
    page = await chart.shown(visit, "documents", _read, "document")
    page.headers["Content-Security-Policy"] = f"{POLICY}; media-src 'self'"
    return page


async def _read(visit: Visit, patient: str) -> dict[str, Any]:
    assert visit.caller is not None
    record = await visit.reader.read("DocumentReference", visit.path("document"))
    tree = record.tree
    if tree.get("subject", {}).get("reference") != f"Patient/{patient}":
        raise NotFound("This patient has no such document.")
    row = rows.document(tree, visit.caller.id, await names_of(visit, [tree]))
    content = tree.get("content") or [{}]
    attachment = content[0].get("attachment", {})
    within = tree.get("context", {}).get("encounter") or [{}]
    encounter = str(within[0].get("reference", ""))
    return {
        "row": row,
        "version": record.version,
        "at": f"/patients/{patient}/documents/{row.id}/file",
        "media": str(attachment.get("contentType", "")),
        "size": said(row.size) if row.size else "",
        "made": say_date(str(attachment.get("creation", ""))),
        "encounter": encounter,
        "encounter_said": await encounter_said(visit, encounter),
        "text": await _text(visit, row) if row.shown == "text" else "",
        "reason": await _reason(visit, row.id) if row.wrong else "",
        "withdraws": not row.wrong and visit.may("u", "DocumentReference"),
        "decides": visit.caller.patient is None and visit.may("u", "DocumentReference"),
        "kinds": TITLES,
        "kind": _kind(tree),
        "added": visit.query("added") == "1",
        "sent": {},
        "problems": {},
    }


async def _text(visit: Visit, row: rows.Row) -> str:
    assert visit.caller is not None
    file = await documents_of(visit).file(visit.caller, row.id)
    return file.data[:_TEXT].decode("utf-8", "replace").removeprefix("\ufeff")


async def _reason(visit: Visit, id: str) -> str:
    page = await visit.reader.glance("Provenance", [("target", f"DocumentReference/{id}")])
    return next(filter(None, map(reason_of, page.trees)), "")


async def file(visit: Visit) -> Response:
    """GET .../file: shown by the browser where it is an image, a PDF, a sound or a film; else, and
    with `?download=1`, saved."""
    assert visit.caller is not None
    await _require_of(visit)
    found = await documents_of(visit).file(visit.caller, visit.path("document"))
    shown = found.kind.shown if found.kind else "file"
    inline = shown in _INLINE and visit.query("download") != "1"
    headers = HEADERS | PRIVATE | {
        "Content-Security-Policy": _SANDBOX,
        "Content-Disposition": _disposition(found.name, inline=inline),
        "Accept-Ranges": "bytes",
    }  # fmt: skip
    media = found.kind.media if found.kind else "application/octet-stream"
    return _ranged(visit, found, media, headers)


async def _require_of(visit: Visit) -> Tree:
    """The document, of the patient whose address was asked."""
    record = await visit.reader.read("DocumentReference", visit.path("document"))
    if record.tree.get("subject", {}).get("reference") != f"Patient/{visit.path('id')}":
        raise NotFound("This patient has no such document.")
    return record.tree


def _ranged(visit: Visit, found: File, media: str, headers: dict[str, str]) -> Response:
    """All of it, or the one range that was asked (RFC 9110, 14.2): players ask for pieces."""
    data, size = found.data, len(found.data)
    asked = _RANGE.fullmatch(visit.request.headers.get("range", ""))
    if asked is None or not any(asked.groups()):
        return Response(data, headers=headers, media_type=media)
    start = int(asked[1]) if asked[1] else max(size - int(asked[2]), 0)
    end = min(int(asked[2]), size - 1) if asked[1] and asked[2] else size - 1
    if start > end:
        return Response(status_code=416, headers=headers | {"Content-Range": f"bytes */{size}"})
    headers |= {"Content-Range": f"bytes {start}-{end}/{size}"}
    return Response(data[start : end + 1], 206, headers=headers, media_type=media)


def _disposition(name: str, *, inline: bool) -> str:
    """RFC 6266, the name in UTF-8 (RFC 8187) and without what ASCII lacks."""
    plain = "".join(c if c.isascii() and c not in '"\\%' else "_" for c in name)
    kind = "inline" if inline else "attachment"
    return f"{kind}; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"


async def withdraw(visit: Visit) -> Response:
    """POST .../withdraw, with `reason` and the `version` that was seen."""

    async def work(documents: Documents, caller: Caller, id: str, sent: Sent) -> None:
        await documents.withdraw(caller, id, _version(sent), sent.get("reason", ""))

    return await _decided(visit, work, "reason")


async def take(visit: Visit) -> Response:
    """POST .../file, with `kind`, `title` and `version`: of a document that the patient sent."""

    async def work(documents: Documents, caller: Caller, id: str, sent: Sent) -> None:
        type = TYPES.get(sent.get("kind", ""), TYPES["other"])
        await given.file(documents, caller, id, _version(sent), type, sent.get("title", ""))

    return await _decided(visit, work, "title")


async def refuse(visit: Visit) -> Response:
    """POST .../refuse, with `why` and `version`."""

    async def work(documents: Documents, caller: Caller, id: str, sent: Sent) -> None:
        await given.refuse(documents, caller, id, _version(sent), sent.get("why", ""))

    return await _decided(visit, work, "why")


_WRONG = {
    "reason": mark("Say why, in a sentence."),
    "why": mark("Say why, in a sentence."),
    "title": mark("Give it a title of 100 characters at most."),
}
"""What is wrong with a field that must say something."""


async def _decided(visit: Visit, work: Work, field: str) -> Response:
    """Back to the document; where it was refused, with what was typed and why."""
    assert visit.caller is not None
    await _require_of(visit)
    sent = await fields(visit.request)
    try:
        await work(documents_of(visit), visit.caller, visit.path("document"), sent)
    except Incorrect:
        return await _again(visit, sent, field, Problem(_WRONG[field]), 400)
    except Conflict:
        changed = Problem(mark("The document has changed since you opened it; see below."))
        return await _again(visit, sent, field, changed, 409)
    return redirect(f"/patients/{visit.path('id')}/documents/{visit.path('document')}")


def _version(sent: Sent) -> int:
    version = sent.get("version", "")
    return int(version) if version.isdecimal() and len(version) < 10 else 0


def _kind(tree: Tree) -> str:
    """The key of its type; of one that is not of our list, `other`."""
    found = tree.get("type", {})
    return next((key for key, type in TYPES.items() if type.concept() == found), "other")


async def _again(visit: Visit, sent: Sent, field: str, problem: Problem, status: int) -> Response:
    problems: Problems = {field: problem}
    return await chart.shown(
        visit, "documents", _read, "document", status, sent=sent, problems=problems
    )
