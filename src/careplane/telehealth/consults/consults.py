"""Consults: carries out what is asked about them, each as one step of the door.

A patient who asks needs the right to write Communications; the Task, the ServiceRequest and the
Encounter that come of it the house writes, as it does what becomes of them afterwards.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from careplane.access.caller import Caller
from careplane.fhir.codec import json
from careplane.fhir.tree import Tree
from careplane.kernel.errors import Conflict, Incorrect, Invalid, Issue, NotFound
from careplane.records import commands as c
from careplane.records.bodies import whole
from careplane.telehealth.consults import consult
from careplane.telehealth.consults.consult import (
    CODE,
    QUESTIONS,
    Case,
    Consult,
    Ids,
    Promise,
    Question,
)
from careplane.telehealth.messages import thread, words
from careplane.telehealth.messages.messages import Messages, written
from careplane.telehealth.messages.parties import Asker
from careplane.telehealth.messages.thread import Attached, Thread
from careplane.telehealth.tasks.task import CODES, ENDED, OPEN, Task

_MOST = "100"
_LONGEST_ANSWER = 1000
Step = Callable[[Case, Asker, int], Case]


@dataclass(frozen=True, slots=True)
class Consults:
    """Over the messages of an installation."""

    messages: Messages
    promise: Promise

    async def begin(self, caller: Caller, question: Question) -> str:
        """Ask: a patient the practice, a clinician somebody else about a patient. The id of the
        Task. Raises Invalid."""
        messages = self.messages
        asker = await messages.pools.asker(caller)
        topic = question.draft.topic or "medical"
        internal = not asker.is_patient  # what colleagues ask each other stays with them
        asked = replace(question.draft, topic=topic, internal=internal)
        draft = await messages.addressed(caller, asker, asked)
        if not draft.patient.reference:
            raise _wrong("A consult is about a patient.", "patient")
        if all(one.is_patient for one in draft.to):
            raise _wrong("Say whom you ask.", "to")
        question = Question(draft, _answers(question.answers))
        ids = Ids(*(messages.new_id() for _ in range(6)))
        now = messages.clock()
        until = self.promise.until(now, urgent=draft.priority != "routine")
        *house, head, first = consult.begun(ids, question, asker, now, until)

        def decide(seen: c.Seen) -> c.Decided:
            messages.require_pace(asker, seen)
            vouched = (c.Write(str(t["resourceType"]), str(t["id"]), t, own=False) for t in house)
            said = (c.Write("Communication", ids.head, head), *written(first, draft.files))
            return c.Decided((*said, *vouched), about=f"Task/{ids.task}")

        asks = (lambda seen: c.Asking(looks=messages.pace(asker, begins=True)),)
        needs = (("c", "Communication"),)
        await messages.door.act(caller, c.Act("$consult", asks, decide, needs=needs))
        return ids.task

    async def take(self, caller: Caller, id: str) -> None:
        """Raises Conflict where somebody else answers it: of several one does."""
        await self._step(caller, id, "take", consult.taken)

    async def ask_back(
        self, caller: Caller, id: str, text: str, files: Sequence[Attached] = ()
    ) -> None:
        """Whoever has asked is to say more."""
        await self._step(caller, id, "ask", consult.asked_back, text, files)

    async def add(self, caller: Caller, id: str, text: str, files: Sequence[Attached] = ()) -> None:
        """Whoever has asked says more."""

        def step(case: Case, asker: Asker, now: int) -> Case:
            urgent = case.consult.task.priority != "routine"
            return consult.added(case, asker, now, self.promise.until(now, urgent=urgent))

        await self._step(caller, id, "add", step, text, files)

    async def answer(
        self,
        caller: Caller,
        id: str,
        text: str,
        files: Sequence[Attached] = (),
        *,
        visit: bool = False,
    ) -> None:
        """Answer it; with `visit` the patient is to come."""
        new = self.messages.new_id()

        def step(case: Case, asker: Asker, now: int) -> Case:
            return consult.answered(case, asker, new, now, visit=visit)

        await self._step(caller, id, "answer", step, text, files, new=new)

    async def refuse(self, caller: Caller, id: str, reason: str) -> None:
        """It is not answered, for a reason that whoever has asked reads."""
        text = words.said(reason, "reason", words.LONGEST_TITLE)

        def step(case: Case, asker: Asker, now: int) -> Case:
            return consult.refused(case, asker, text, now)

        await self._step(caller, id, "refuse", step, text)

    async def withdraw(self, caller: Caller, id: str) -> None:
        """No answer is needed any more."""
        await self._step(caller, id, "withdraw", consult.withdrawn)

    async def hand_over(self, caller: Caller, id: str, to: str, note: str = "") -> None:
        """Somebody else answers it."""
        party = await self.messages.colleague(caller, to)
        topics = [
            pool.topics
            for pool in await self.messages.pools.all(caller.tenant)
            if pool.party.reference == to
        ]

        def step(case: Case, asker: Asker, now: int) -> Case:
            if topics and case.head.topic not in topics[0]:
                raise _wrong("This pool answers no such questions.", "to")
            return consult.handed_over(case, asker, party, now)

        await self._step(caller, id, "hand-over", step, note.strip(), note=True)

    async def note(self, caller: Caller, id: str, text: str) -> None:
        """Say something that stays with those who answer."""
        await self._step(caller, id, "note", consult.noted, text, note=True)

    async def read(self, caller: Caller, id: str) -> Consult:
        """Raises NotFound."""
        version = await self.messages.door.read(caller, c.Read("Task", id))
        return _consult(json.parse(whole(version)))

    async def found(
        self, caller: Caller, asker: Asker, *, ended: bool = False, patient: str = ""
    ) -> list[Consult]:
        """Those of a patient, or those that a clinician is to answer or has asked; what is late
        comes first, then what is promised soonest."""
        pairs = [
            ("code", f"{CODES}|{CODE}"),
            ("status", ",".join(ENDED if ended else OPEN)),
            ("_sort", "-authored-on"),
            ("_count", _MOST),
        ]
        if asker.is_patient:
            asked = [[("patient", f"Patient/{caller.patient}")]]
        elif patient:
            asked = [[("patient", f"Patient/{patient}")]]
        elif not asker.references:
            return []
        else:
            mine = ",".join(asker.references)
            asked = [[("owner", mine)], [("requester", asker.me.reference)]]
        trees: dict[str, Tree] = {}
        for more in asked:
            command = c.Search("Task", (*pairs, *more))
            for version in (await self.messages.door.search(caller, command)).matches:
                trees[version.id] = json.parse(whole(version))
        consults = [Consult(Task(tree)) for tree in trees.values()]
        if ended:
            return sorted(consults, key=lambda one: one.task.made, reverse=True)
        return sorted(consults, key=lambda one: (one.is_asked_back, one.task.due))

    async def _step(
        self,
        caller: Caller,
        id: str,
        name: str,
        step: Step,
        text: str = "",
        files: Sequence[Attached] = (),
        *,
        note: bool = False,
        new: str = "",
    ) -> None:
        """All of a consult changes, and perhaps a message comes to it."""
        messages = self.messages
        if text:
            text = words.said(text, "text")
        elif name in ("ask", "add", "answer", "note"):
            raise _wrong("Write something.", "text")
        await messages.require_files(caller, files)
        asker = await messages.pools.asker(caller)
        await self.read(caller, id)
        new = new or messages.new_id()

        def rest(seen: c.Seen) -> c.Asking:
            held = _consult(seen.records.get(("Task", id), {}))
            return c.Asking(reads=_parts(held), looks=messages.pace(asker))

        def decide(seen: c.Seen) -> c.Decided:
            messages.require_pace(asker, seen)
            before = _case(seen, id)
            now = messages.clock()
            after = step(before, asker, now)
            writes = [
                c.Write(str(tree["resourceType"]), str(tree["id"]), tree, own=False)
                for old, tree in zip(before.trees(), after.trees(), strict=True)
                if old != tree
            ]
            if text:
                said = thread.message(new, before.head, asker, text, files, now, note=note)
                writes += written(said, files)
            return c.Decided(tuple(writes), about=f"Task/{id}")

        # Whoever answers changes the Task under their own right; whoever has asked adds to it.
        asking = name in ("add", "withdraw")
        key = (("Task", id),)

        def first(seen: c.Seen) -> c.Asking:
            return c.Asking(reads=key) if asking else c.Asking(changes=key)

        needs = (("c", "Communication"),) if asking else (("u", "Task"),)
        act = c.Act(f"consult-{name}", (first, rest), decide, needs=needs, about=f"Task/{id}")
        await messages.door.act(caller, act)


def _consult(tree: Tree) -> Consult:
    found = Consult(Task(tree))
    if not tree or found.task.code != CODE:
        raise NotFound("There is no such consult.")
    return found


def _parts(held: Consult) -> tuple[tuple[str, str], ...]:
    return (
        ("Communication", held.thread),
        ("Encounter", held.encounter),
        ("ServiceRequest", held.request),
    )


def _case(seen: c.Seen, id: str) -> Case:
    held = _consult(seen.records.get(("Task", id), {}))
    found = [seen.records.get(key) for key in _parts(held)]
    head, encounter, request = found
    if head is None or encounter is None or request is None:
        raise Conflict("A part of this consult was deleted.")
    return Case(held, Thread(head), encounter, request)


def _answers(given: Sequence[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
    """Those that say something. Raises Incorrect for one that was not asked."""
    found = []
    for id, text in given:
        if id not in QUESTIONS:
            raise Incorrect("This was not asked.")
        if text.strip():
            found.append((id, words.said(text, id, _LONGEST_ANSWER)))
    return tuple(found)


def _wrong(text: str, where: str) -> Invalid:
    return Invalid(text, issues=(Issue("error", "value", text, where),))
