"""A plain Communication, as other systems write it, becomes a message of a thread: of the one that
it answers, or of one of its own. Pure, but for the two reads that find the thread."""

from __future__ import annotations

from dataclasses import dataclass

from careplane.access.caller import Caller
from careplane.access.consent.terms import NOT_FOR_PATIENTS
from careplane.fhir.codec import json
from careplane.fhir.moment import interval
from careplane.fhir.tree import Tree
from careplane.kernel.clock import Clock
from careplane.kernel.errors import NotFound
from careplane.kernel.ids import NewId
from careplane.records import commands as c
from careplane.records.bodies import whole
from careplane.records.door import Door
from careplane.telehealth.messages import names, thread
from careplane.telehealth.messages.parties import NOBODY, Asker, parties, party
from careplane.telehealth.messages.thread import Draft, Thread
from careplane.telehealth.messages.words import LONGEST_TITLE

_TYPE = "Communication"
_RECENT = 14 * 86_400 * 1_000_000
"""What was sent before that is history that was brought here, and waits for nobody."""


def is_plain(tree: Tree, now: int) -> bool:
    """Whether it was sent to somebody of late, and is of no thread yet."""
    if thread.is_thread(tree) or thread.is_message(tree) or tree.get("status") != "completed":
        return False
    if not tree.get("recipient") or not tree.get("payload") or "received" in tree:
        return False
    return "sent" not in tree or interval(str(tree["sent"]))[0] > now - _RECENT


@dataclass(frozen=True, slots=True)
class Adopting:
    """Over one door, as the house."""

    door: Door
    caller: Caller
    clock: Clock
    new_id: NewId

    async def adopt(self, tree: Tree) -> None:
        """As one step with what becomes of the thread."""
        id, head, new = str(tree["id"]), await self._head(tree), self.new_id()

        def decide(seen: c.Seen) -> c.Decided:
            plain = seen.records.get((_TYPE, id))
            now = self.clock()
            if plain is None or not is_plain(plain, now):
                return c.Decided()
            asker = _sender(plain)
            held = seen.records.get((_TYPE, head))
            if held is None:
                found = Thread(thread.begin(new, _draft(plain), asker, now))
                after = found.tree
            else:
                found = Thread(held)
                after = thread.answered(found, asker, now)
            writes = (c.Write(_TYPE, found.id, after), c.Write(_TYPE, id, _joined(plain, found)))
            return c.Decided(writes, about=f"{_TYPE}/{id}")

        keys = ((_TYPE, id), *(((_TYPE, head),) if head else ()))
        asks = (lambda seen: c.Asking(reads=keys),)
        await self.door.act(self.caller, c.Act("adopt-message", asks, decide))

    async def _head(self, tree: Tree) -> str:
        """The id of the head that it belongs to; empty where it begins a thread."""
        for one in (*tree.get("partOf", ()), *tree.get("inResponseTo", ())):
            found = await self._read(str(one.get("reference", "")))
            if thread.is_message(found) and found.get("partOf"):
                found = await self._read(str(found["partOf"][0]["reference"]))
            if thread.is_thread(found):
                return str(found["id"])
        return ""

    async def _read(self, reference: str) -> Tree:
        type, _, id = reference.partition("/")
        if type != _TYPE or "/" in id:
            return {}
        try:
            return json.parse(whole(await self.door.read(self.caller, c.Read(_TYPE, id))))
        except NotFound:
            return {}


def _sender(tree: Tree) -> Asker:
    who = party(tree.get("sender"))
    return Asker(who, who.is_patient, frozenset({who.reference} if who.reference else ()))


def _draft(tree: Tree) -> Draft:
    said = tree.get("topic", {})
    texts = (str(c.get("display", "")) for c in said.get("coding", ()))
    title = str(said.get("text", "")) or next(texts, "")
    topic = names.code_of([said], names.TOPIC) or names.code_of(tree.get("category"), names.TOPIC)
    labels = tree.get("meta", {}).get("security", ())
    return Draft(
        title[:LONGEST_TITLE],
        "",
        parties(tree.get("recipient")),
        topic if topic in names.TOPICS else "",
        party(tree.get("subject")) if "subject" in tree else NOBODY,
        internal=any(label.get("code") == NOT_FOR_PATIENTS for label in labels),
        priority="urgent" if tree.get("priority") in ("urgent", "asap", "stat") else "routine",
    )


def _joined(plain: Tree, head: Thread) -> Tree:
    """The message as a part of the thread, hidden where the thread is."""
    kinds = [*plain.get("category", ()), names.concept(names.KIND, names.MESSAGE)]
    if head.topic and not names.code_of(kinds, names.TOPIC):
        kinds.append(names.concept(names.TOPIC, head.topic))
    if head.is_internal and not names.has(kinds, names.KIND, names.INTERNAL):
        kinds.append(names.concept(names.KIND, names.INTERNAL))
    place = {"reference": f"{_TYPE}/{head.id}"}
    others = [one for one in plain.get("partOf", ()) if one.get("reference") != place["reference"]]
    tree = {**plain, "category": kinds, "partOf": [place, *others]}
    labels = [label.get("code") for label in plain.get("meta", {}).get("security", ())]
    return thread.labelled(tree, head.is_internal and NOT_FOR_PATIENTS not in labels)
