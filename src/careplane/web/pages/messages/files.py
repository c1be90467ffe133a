"""Files of a message: each is looked at as `care.documents` does, and becomes a document of the
patient together with the message."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from careplane.care.documents import document
from careplane.care.documents.document import Author, Said
from careplane.care.documents.documents import Documents
from careplane.care.documents.types import TYPES
from careplane.kernel.clock import format_instant
from careplane.records.files.kinds import KINDS
from careplane.telehealth.messages.parties import Party
from careplane.telehealth.messages.thread import Attached
from careplane.telehealth.messages.words import MOST_FILES
from careplane.web.forms import fields
from careplane.web.uploads import Form, Upload, parts
from careplane.web.visit import Visit

ACCEPTED = ",".join(kind.media for kind in KINDS)
PICTURES = (".jpg", ".jpeg", ".png", ".gif", ".webp")


@dataclass(frozen=True, slots=True)
class Files:
    """Whether files can be attached, and what a page says of that."""

    offered: bool
    accepted: str = ACCEPTED


def files_of(visit: Visit, patient: str) -> Files:
    """Of a thread about a patient; others have none, since a document is of somebody."""
    return Files(visit.web.documents is not None and bool(patient))


async def form_of(visit: Visit) -> Form:
    """What was sent, with files or without. Raises TooLarge, Malformed, UnsupportedMedia."""
    kind = visit.request.headers.get("content-type", "")
    if visit.web.documents is not None and kind.lower().startswith("multipart/"):
        return await parts(visit.request, largest=visit.web.documents.largest, files=MOST_FILES + 1)
    return Form(await fields(visit.request), ())


async def attached(visit: Visit, patient: str, files: Sequence[Upload]) -> tuple[Attached, ...]:
    """As documents of a patient. Raises FileRefused for one that is not what it says."""
    documents, caller = visit.web.documents, visit.caller
    if documents is None or caller is None or not patient:
        return ()
    by = Author(caller.id, caller.name)
    some = files[: MOST_FILES + 1]
    return tuple([await _document(documents, patient, by, file) for file in some])


async def _document(documents: Documents, patient: str, by: Author, file: Upload) -> Attached:
    kind, data = await asyncio.to_thread(documents.taken, file.name, file.kind, file.data)
    bytes_id, id = documents.new_id(), documents.new_id()
    said = Said(TYPES["photograph" if kind.shown == "image" else "other"])
    held = await asyncio.to_thread(document.binary, bytes_id, patient, kind, data, said.level)
    now = format_instant(documents.clock())
    tree = document.reference(id, bytes_id, patient, kind, file.name, data, said, by, now)
    title = str(tree["content"][0]["attachment"]["title"])
    return Attached(Party(f"DocumentReference/{id}", title), (held, tree))
