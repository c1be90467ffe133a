"""Messages: carries out what is asked about threads, each as one step of the door.

Whoever asks must be able to read the thread; what they write is under their own right to write
Communications. The head of a thread is written by the house, after it was decided here who may do
what to it: a patient who answers has no right to change records.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import cast

from careplane.access.caller import Caller
from careplane.fhir.codec import json
from careplane.fhir.tree import Tree
from careplane.kernel.clock import Clock, format_instant
from careplane.kernel.errors import Forbidden, Incorrect, Invalid, Issue, NotFound, TooMany
from careplane.kernel.ids import NewId
from careplane.records import commands as c
from careplane.records.bodies import whole
from careplane.records.door import Door
from careplane.telehealth.messages import names, receipts, thread, words
from careplane.telehealth.messages.parties import Asker, Party, party
from careplane.telehealth.messages.pools import Pools
from careplane.telehealth.messages.thread import Attached, Draft, Thread

_HOUR = 3600 * 1_000_000
_ABOUT_ONE = 1_000
"""Messages about one patient that are looked at for the pace of a program."""
_TYPE = "Communication"
_ABOUT_TO_READ = 200
_FILES = ("DocumentReference", "Media", "DiagnosticReport", "Observation", "QuestionnaireResponse")


@dataclass(frozen=True, slots=True)
class Limits:
    """How many messages one patient may send within an hour, and threads begin within a day."""

    messages: int = 20
    threads: int = 10


@dataclass(frozen=True, slots=True)
class Messages:
    """Over one door."""

    door: Door
    pools: Pools
    clock: Clock
    new_id: NewId
    limits: Limits = Limits()

    async def begin(self, caller: Caller, draft: Draft) -> str:
        """A thread with its first message; the id of its head. A patient writes to the pool for the
        topic. Raises Invalid for a draft that cannot be sent, NotFound for a patient who is not
        seen, TooMany where a patient has sent enough."""
        asker = await self.pools.asker(caller)
        draft = await self.addressed(caller, asker, draft)
        now, head_id, first_id = self.clock(), self.new_id(), self.new_id()
        head = thread.begin(head_id, draft, asker, now)
        first = thread.message(first_id, Thread(head), asker, draft.text, draft.files, now)

        def decide(seen: c.Seen) -> c.Decided:
            self.require_pace(asker, seen)
            writes = (c.Write(_TYPE, head_id, head), *written(first, draft.files))
            return c.Decided(writes, about=f"{_TYPE}/{head_id}")

        asks = (lambda seen: c.Asking(looks=self.pace(asker, begins=True)),)
        await self.door.act(caller, c.Act("$message", asks, decide, needs=(("c", _TYPE),)))
        return head_id

    async def reply(
        self,
        caller: Caller,
        id: str,
        text: str,
        files: Sequence[Attached] = (),
        *,
        note: bool = False,
    ) -> str:
        """One more message; its id. With `note` it stays in the practice."""
        text = words.said(text, "text")
        await self.require_files(caller, files)
        if note and (await self.pools.asker(caller)).is_patient:
            raise Forbidden("Notes are written by those in the practice.")
        new = self.new_id()

        def change(held: Thread, asker: Asker) -> tuple[Tree, Tree | None]:
            made = thread.message(new, held, asker, text, files, self.clock(), note=note)
            return thread.answered(held, asker, self.clock(), note=note), made

        await self._change(caller, id, "$reply", change, "c", files)
        return new

    async def take(self, caller: Caller, id: str, instead_of: str = "") -> None:
        """Raises Conflict where somebody else has it: of several who take it at once one does."""
        await self._change(
            caller, id, "$take", lambda held, asker: (thread.taken(held, asker, instead_of), None)
        )

    async def hand_over(self, caller: Caller, id: str, to: str, note: str = "") -> None:
        """To a pool, or a colleague, perhaps with a note for them."""
        party = await self.colleague(caller, to)
        topics = {pool.party.reference: pool.topics for pool in await self.pools.all(caller.tenant)}
        text = words.said(note, "note") if note.strip() else ""
        new = self.new_id()

        def change(held: Thread, asker: Asker) -> tuple[Tree, Tree | None]:
            moved = Thread(thread.handed_over(held, asker, party, topics.get(to, frozenset())))
            if not text:
                return moved.tree, None
            return moved.tree, thread.message(new, moved, asker, text, (), self.clock(), note=True)

        await self._change(caller, id, "$hand-over", change)

    async def close(self, caller: Caller, id: str) -> None:
        """Raises Conflict where it is closed."""
        await self._change(
            caller, id, "$close", lambda held, asker: (thread.closed(held, asker), None)
        )

    async def reopen(self, caller: Caller, id: str) -> None:
        """Raises Conflict where it is open."""
        await self._change(
            caller, id, "$reopen", lambda held, asker: (thread.reopened(held, asker), None)
        )

    async def receive(self, caller: Caller, asker: Asker, messages: Sequence[Tree]) -> int:
        """Receipts for those that were sent to the caller and are not read yet; how many. The
        messages are such as the caller has read through the door."""
        unread = [str(one["id"]) for one in messages if receipts.is_unread(one, asker)]
        keys = tuple((_TYPE, id) for id in unread[:_ABOUT_TO_READ])
        if not keys:
            return 0

        def decide(seen: c.Seen) -> c.Decided:
            now = self.clock()
            found = [seen.records[key] for key in keys if key in seen.records]
            writes = tuple(
                c.Write(_TYPE, str(one["id"]), receipts.received(one, asker, now), own=False)
                for one in found
                if receipts.is_unread(one, asker)
            )
            return c.Decided(writes, answer=len(writes))

        asks = (lambda seen: c.Asking(reads=keys),)
        act = c.Act("$receipt", asks, decide, needs=(("r", _TYPE),))
        return cast(int, (await self.door.act(caller, act)).answer)

    async def head(self, caller: Caller, id: str) -> Thread:
        """The thread that a Communication is the head of, or a message of. Raises NotFound."""
        tree = await self._read(caller, id)
        if thread.is_message(tree) and tree.get("partOf"):
            tree = await self._read(caller, str(tree["partOf"][0]["reference"]).rpartition("/")[2])
        if not thread.is_thread(tree):
            raise NotFound("This is no thread of messages.")
        return Thread(tree)

    async def _change(
        self,
        caller: Caller,
        id: str,
        operation: str,
        change: Callable[[Thread, Asker], tuple[Tree, Tree | None]],
        letter: str = "u",
        files: Sequence[Attached] = (),
    ) -> None:
        """The head changes, and perhaps a message comes to it, as one step."""
        asker = await self.pools.asker(caller)
        key = (_TYPE, (await self.head(caller, id)).id)

        def decide(seen: c.Seen) -> c.Decided:
            if key not in seen.records:
                raise NotFound("There is no such thread.")
            self.require_pace(asker, seen)
            head, message = change(Thread(seen.records[key]), asker)
            writes = [c.Write(_TYPE, key[1], head, own=False)]
            if message is not None:
                writes += written(message, files)
            return c.Decided(tuple(writes), about=f"{_TYPE}/{key[1]}")

        asks = (lambda seen: c.Asking(reads=(key,), looks=self.pace(asker)),)
        await self.door.act(caller, c.Act(operation, asks, decide, needs=((letter, _TYPE),)))

    async def addressed(self, caller: Caller, asker: Asker, draft: Draft) -> Draft:
        """Checked, with everybody by name."""
        draft = replace(
            draft,
            title=words.title(draft.title, "subject"),
            text=words.said(draft.text, "text"),
        )
        await self.require_files(caller, draft.files)
        if draft.topic and draft.topic not in names.TOPICS:
            raise _wrong(f"A topic is one of {', '.join(names.TOPICS)}.", "topic")
        if asker.is_patient:
            return await self._to_practice(caller, draft)
        if draft.patient.reference:
            id = draft.patient.reference.removeprefix("Patient/")
            await self.door.read(caller, c.Read("Patient", id))
        to = [await self.colleague(caller, one.reference) for one in draft.to]
        if draft.patient.reference and not draft.internal:
            to = [draft.patient, *to]
        if not to:
            raise _wrong("Say to whom you write.", "to")
        return replace(draft, to=tuple(dict.fromkeys(to)))

    async def _to_practice(self, caller: Caller, draft: Draft) -> Draft:
        if not caller.patient:
            raise Forbidden("Messages to the practice are written for a patient.")
        if not draft.topic:
            raise _wrong("Choose what it is about.", "topic")
        mine = f"Patient/{caller.patient}"
        pool = await self.pools.route(caller.tenant, draft.topic, mine)
        if pool is None:
            raise Incorrect("This practice takes no messages here; call it instead.")
        me = Party(mine, caller.name if caller.id == mine else "")
        return replace(draft, patient=me, to=(pool.party,), internal=False)

    async def colleague(self, caller: Caller, reference: str) -> Party:
        """A person or pool of the practice, by name. Raises Invalid for what is none."""
        type, _, id = reference.partition("/")
        if type not in ("Practitioner", "HealthcareService", "Organization", "CareTeam"):
            raise _wrong("Choose somebody of the practice, or one of its pools.", "to")
        try:
            tree = json.parse(whole(await self.door.read(caller, c.Read(type, id))))
        except NotFound:
            raise _wrong("There is nobody under this reference.", "to") from None
        return Party(reference, named(tree))

    async def require_files(self, caller: Caller, files: Sequence[Attached]) -> None:
        """Few, and such as the caller may read, where they are there already."""
        if len(files) > words.MOST_FILES:
            raise _wrong(f"A message has {words.MOST_FILES} files at most.", "files")
        for file in files:
            type, _, id = file.party.reference.partition("/")
            if type not in _FILES:
                raise _wrong(f"A file is one of {', '.join(_FILES)}.", "files")
            if not file.trees:
                await self.door.read(caller, c.Read(type, id))

    async def _read(self, caller: Caller, id: str) -> Tree:
        return json.parse(whole(await self.door.read(caller, c.Read(_TYPE, id))))

    def pace(self, asker: Asker, *, begins: bool = False) -> tuple[c.Look, ...]:
        """What a patient has sent of late. A program that writes as one is no sender that a message
        can refer to: all that is about its patient is looked at."""
        references = asker.references
        if not asker.is_patient or not references:
            return ()
        now, sends = self.clock(), asker.me.reference in references
        mine = f"sender={asker.me.reference}" if sends else f"subject={references[0]}"
        kind = f"category={names.KIND}|"
        looks = [("messages", names.MESSAGE, _HOUR, self.limits.messages)]
        if begins:
            looks.append(("threads", names.THREAD, 24 * _HOUR, self.limits.threads))
        return tuple(
            c.Look(
                name,
                _TYPE,
                f"{mine}&{kind}{code}&sent=gt{format_instant(now - span)}",
                most if sends else _ABOUT_ONE,
            )
            for name, code, span, most in looks
        )

    def require_pace(self, asker: Asker, seen: c.Seen) -> None:
        for name, most in (("messages", self.limits.messages), ("threads", self.limits.threads)):
            sent = [party(one.get("sender")).reference for one in seen.found.get(name, ())]
            if sum(who in ("", asker.me.reference) for who in sent) >= most:
                raise TooMany(
                    "You have sent many messages within a short time. Wait a while, or call the "
                    "practice if it is urgent."
                )


def named(tree: Tree) -> str:
    """The name of a person, or of an organisation or pool."""
    name = tree.get("name")
    if isinstance(name, str):
        return name
    for one in name or ():
        parts = (*one.get("prefix", ()), *one.get("given", ()), one.get("family", ""))
        return str(one.get("text") or " ".join(filter(None, parts)))
    return ""


def written(message: Tree, files: Sequence[Attached]) -> tuple[c.Write, ...]:
    """The message, and its files: who may send it may attach them."""
    new = (
        c.Write(str(one["resourceType"]), str(one["id"]), one, own=False)
        for one in thread.stored(message, files)
    )
    return (c.Write(_TYPE, str(message["id"]), message), *new)


def _wrong(text: str, where: str) -> Invalid:
    return Invalid(text, issues=(Issue("error", "value", text, where),))
