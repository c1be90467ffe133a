"""Documents of patients: put in, handed out, marked as entered in error."""

from __future__ import annotations

import asyncio
import base64
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import ParamSpec, TypeVar, cast

from careplane.access.caller import Caller
from careplane.care import encounters
from careplane.care.documents import document
from careplane.care.documents.document import Author, Said
from careplane.care.provenance import nullified
from careplane.fhir.codec import json
from careplane.fhir.tree import Tree
from careplane.kernel.clock import Clock, format_instant
from careplane.kernel.errors import Incorrect, NotFound
from careplane.kernel.ids import NewId
from careplane.records import commands as c
from careplane.records.bodies import whole
from careplane.records.door import Door
from careplane.records.files.checking import check, file_name, without_place
from careplane.records.files.kinds import BY_MEDIA, Kind

_P = ParamSpec("_P")
_R = TypeVar("_R")
_BINARY = re.compile(r"Binary/([A-Za-z0-9.-]{1,64})")
_REASON = 500
_AT_ONCE = 2
"""Files that are made into resources at once: each takes several times its size in memory."""


@dataclass(frozen=True, slots=True)
class File:
    """One file as it is handed out. `kind` is None for a media type that is not of `kinds`."""

    name: str
    media: str
    kind: Kind | None
    data: bytes


@dataclass(frozen=True, slots=True)
class Documents:
    """Over one door; `largest` are the bytes that a file may have, `keeps_places` says whether
    photographs keep where they were taken."""

    door: Door
    clock: Clock
    new_id: NewId
    largest: int
    keeps_places: bool = False
    _gate: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(_AT_ONCE))

    async def add(
        self, caller: Caller, patient: str, name: str, claim: str, data: bytes, said: Said
    ) -> str:
        """Put a file into a record; the id of its DocumentReference. `claim` is the media type that
        the sender gives it. Raises FileRefused, Invalid for malware, NotFound without a patient."""
        await self.door.read(caller, c.Read("Patient", patient))
        await encounters.require_of(self.door, caller, patient, said.encounter)
        async with self._gate:
            return await self._add(caller, patient, name, claim, data, said)

    async def _add(
        self, caller: Caller, patient: str, name: str, claim: str, data: bytes, said: Said
    ) -> str:
        kind, data = await asyncio.to_thread(self.taken, name, claim, data)
        bytes_id, id = self.new_id(), self.new_id()
        now = format_instant(self.clock())
        by = Author(caller.id, caller.name)
        held = await asyncio.to_thread(document.binary, bytes_id, patient, kind, data, said.level)
        tree = document.reference(id, bytes_id, patient, kind, name, data, said, by, now)
        writes = (c.Write("Binary", bytes_id, held), c.Write("DocumentReference", id, tree))
        act = c.Act(
            "add-document",
            (),
            lambda seen: c.Decided(writes),
            needs=(("c", "DocumentReference"), ("c", "Binary")),
            about=f"Patient/{patient}",
        )
        await self.door.act(caller, act)
        return id

    def taken(self, name: str, claim: str, data: bytes) -> tuple[Kind, bytes]:
        """What a file is, and as what it is stored. Raises FileRefused."""
        kind = check(name, claim, data)
        return kind, without_place(kind, data, keeps=self.keeps_places)

    async def at_once(self, work: Callable[_P, _R], *given: _P.args, **named: _P.kwargs) -> _R:
        """Work on a file beside requests, with few others at a time."""
        async with self._gate:
            return await asyncio.to_thread(work, *given, **named)

    async def file(self, caller: Caller, id: str, number: int = 0) -> File:
        """One file of a DocumentReference, as the caller may read it. Raises NotFound for one that
        is not here."""
        tree = json.parse(whole(await self.door.read(caller, c.Read("DocumentReference", id))))
        return await self.attached(caller, attachment(tree, number))

    async def attached(self, caller: Caller, attachment: Tree) -> File:
        """The file of an Attachment, wherever it stands."""
        media = str(attachment.get("contentType", "")).partition(";")[0].strip().lower()
        inline = attachment.get("data")
        found = _BINARY.fullmatch(str(attachment.get("url", "")))
        if inline is None:
            if found is None:
                raise NotFound("The file is not on this server.")
            held = json.parse(whole(await self.door.read(caller, c.Read("Binary", found[1]))))
            media, inline = media or str(held.get("contentType", "")), held.get("data", "")
        kind = BY_MEDIA.get(media)
        title = str(attachment.get("title", ""))
        name = file_name(title, kind) if kind else file_name(title, _UNKNOWN)
        return File(name, media, kind, base64.b64decode(cast(str, inline)))

    async def withdraw(self, caller: Caller, id: str, version: int, reason: str) -> None:
        """Mark a document as entered in error. Raises Incorrect without a reason, Precondition
        where it is at another version than was seen."""
        reason = " ".join(reason.split())
        if not reason or len(reason) > _REASON:
            raise Incorrect(f"Say why, in {_REASON} characters at most.")
        key = ("DocumentReference", id)
        new, at = self.new_id(), format_instant(self.clock())
        who = Author(caller.id, caller.name).reference()

        def decide(seen: c.Seen) -> c.Decided:
            if key not in seen.records:
                raise NotFound("There is no such document that you may change.")
            before = seen.records[key]
            after = document.withdrawn(before, version)
            target = f"DocumentReference/{id}/_history/{version + 1}"
            patient = str(before.get("subject", {}).get("reference", ""))
            said = {**nullified(target, patient, who, reason, at), "id": new}
            return c.Decided(
                (
                    c.Write("DocumentReference", id, after),
                    c.Write("Provenance", new, said, own=False),
                )
            )

        asks = (lambda seen: c.Asking(changes=(key,)),)
        act = c.Act("withdraw-document", asks, decide, about=f"DocumentReference/{id}")
        await self.door.act(caller, act)


_UNKNOWN = Kind("application/octet-stream", "file", ("bin",), "file")


def attachment(tree: Tree, number: int = 0) -> Tree:
    """One attachment of a DocumentReference. Raises NotFound where there are not so many."""
    content = tree.get("content", [])
    if not 0 <= number < len(content):
        raise NotFound("The document has no such file.")
    return cast(Tree, content[number].get("attachment", {}))
