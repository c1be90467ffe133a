"""Threads and messages as somebody sees them. Everything is read through the door, as them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from careplane.access.caller import Caller
from careplane.fhir.codec import json
from careplane.fhir.tree import Tree
from careplane.records import commands as c
from careplane.records.bodies import whole
from careplane.records.door import Door
from careplane.records.results import Found
from careplane.telehealth.messages import names, receipts
from careplane.telehealth.messages.parties import Asker, Party, party
from careplane.telehealth.messages.thread import Thread

Box = Literal["waiting", "open", "closed"]
BOXES: tuple[Box, ...] = ("waiting", "open", "closed")
_PAGE = "25"
_MOST = 500
MOST_UNREAD = 100
"""More than so many unread messages are not counted."""
_TYPE = "Communication"


@dataclass(frozen=True, slots=True)
class Message:
    """One message; `readers` are who has read it, and when."""

    tree: Tree
    is_mine: bool
    is_unread: bool

    @property
    def id(self) -> str:
        return str(self.tree["id"])

    @property
    def by(self) -> Party:
        return party(self.tree.get("sender"))

    @property
    def sent(self) -> str:
        return str(self.tree.get("sent", ""))

    @property
    def is_note(self) -> bool:
        return names.has(self.tree.get("category"), names.KIND, names.INTERNAL)

    @property
    def is_withdrawn(self) -> bool:
        return self.tree.get("status") == "entered-in-error"

    @property
    def texts(self) -> list[str]:
        payload = self.tree.get("payload", ())
        return [str(one["contentString"]) for one in payload if "contentString" in one]

    @property
    def files(self) -> list[Party]:
        """References to documents, with their titles."""
        payload = self.tree.get("payload", ())
        return [party(one["contentReference"]) for one in payload if "contentReference" in one]

    @property
    def attached(self) -> list[Tree]:
        """Attachments that stand in the message itself, as other systems send them."""
        payload = self.tree.get("payload", ())
        return [one["contentAttachment"] for one in payload if "contentAttachment" in one]

    @property
    def readers(self) -> list[tuple[Party, str]]:
        return receipts.readers(self.tree)


@dataclass(frozen=True, slots=True)
class Line:
    """A thread in a list; `last` is its newest message."""

    thread: Thread
    unread: int
    last: Message | None


@dataclass(frozen=True, slots=True)
class Reading:
    """Over one door. Who asks is told by `Pools.asker`."""

    door: Door

    async def box(
        self, caller: Caller, asker: Asker, box: Box, patient: str = "", cursor: str | None = None
    ) -> tuple[list[Line], str | None]:
        """Threads of a caller, those that have changed last first, and where the next page begins.
        `waiting` are open ones in which they, or a pool of theirs, are to say something."""
        pairs = [
            ("category", f"{names.KIND}|{names.THREAD}"),
            ("status", "completed" if box == "closed" else "in-progress"),
            ("_sort", "-_lastUpdated"),
            ("_count", _PAGE),
        ]
        if asker.is_patient:
            pairs.append(("subject", f"Patient/{caller.patient}"))
        elif not asker.references:
            return [], None
        else:
            pairs.append(("recipient", ",".join(asker.references)))
            if patient:
                pairs.append(("subject", f"Patient/{patient}"))
            if box == "waiting":
                pairs.append(("_tag", f"{names.STATE}|{names.WAITING}"))
        return await self._lines(caller, asker, tuple(pairs), cursor)

    async def of_patient(
        self, caller: Caller, asker: Asker, patient: str, cursor: str | None = None
    ) -> tuple[list[Line], str | None]:
        """All threads about a patient that the caller may see."""
        pairs = (
            ("category", f"{names.KIND}|{names.THREAD}"),
            ("subject", f"Patient/{patient}"),
            ("_sort", "-_lastUpdated"),
            ("_count", _PAGE),
        )
        return await self._lines(caller, asker, pairs, cursor)

    async def messages(self, caller: Caller, asker: Asker, id: str) -> list[Message]:
        """The newest messages of a thread, the oldest of them first."""
        pairs = (("part-of", f"{_TYPE}/{id}"), ("_sort", "-sent"), ("_count", str(_MOST)))
        found = await self.door.search(caller, c.Search(_TYPE, pairs))
        in_order = sorted(_trees(found), key=lambda tree: (str(tree.get("sent", "")), tree["id"]))
        return [_message(tree, asker) for tree in in_order]

    async def unread(self, caller: Caller, asker: Asker) -> int:
        """How many messages wait to be read, as far as MOST_UNREAD."""
        if not asker.references:
            return 0
        pairs = (
            ("category", f"{names.KIND}|{names.MESSAGE}"),
            ("recipient", ",".join(asker.references)),
            ("received:missing", "true"),
            ("_sort", "-sent"),
            ("_count", str(MOST_UNREAD)),
        )
        found = await self.door.search(caller, c.Search(_TYPE, pairs))
        return sum(receipts.is_unread(tree, asker) for tree in _trees(found))

    async def _lines(
        self,
        caller: Caller,
        asker: Asker,
        pairs: tuple[tuple[str, str], ...],
        cursor: str | None,
    ) -> tuple[list[Line], str | None]:
        found = await self.door.search(caller, c.Search(_TYPE, pairs, cursor=cursor))
        heads = [Thread(tree) for tree in _trees(found)]
        within = await self._within(caller, asker, heads)
        lines = [
            Line(one, sum(m.is_unread for m in within[one.id]), _last(within[one.id]))
            for one in heads
        ]
        return lines, found.next

    async def _within(
        self, caller: Caller, asker: Asker, heads: Sequence[Thread]
    ) -> dict[str, list[Message]]:
        """The newest messages of several threads."""
        within: dict[str, list[Message]] = {one.id: [] for one in heads}
        if not heads:
            return within
        named = ",".join(f"{_TYPE}/{id}" for id in within)
        pairs = (("part-of", named), ("_sort", "-sent"), ("_count", str(_MOST)))
        for tree in _trees(await self.door.search(caller, c.Search(_TYPE, pairs))):
            id = str(tree["partOf"][0]["reference"]).rpartition("/")[2]
            if id in within:
                within[id].append(_message(tree, asker))
        return within


def _last(messages: list[Message]) -> Message | None:
    """The newest that is not a note."""
    said = (one for one in messages if not one.is_withdrawn)
    return next(said, None)


def _message(tree: Tree, asker: Asker) -> Message:
    mine = party(tree.get("sender")).reference == asker.me.reference
    return Message(tree, mine, receipts.is_unread(tree, asker))


def _trees(found: Found) -> list[Tree]:
    return [json.parse(whole(version)) for version in found.matches]
