"""A thread as a value, and what becomes of it. Pure.

The head of a thread is a Communication that says nothing itself (`category` thread): `status` is
in-progress while it is open and completed once it is closed, `recipient` are all who take part,
`topic` is what it is about. Messages are Communications that are `partOf` it (R4 Communication).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from careplane.fhir.tree import Tree
from careplane.kernel.clock import format_instant
from careplane.kernel.errors import Conflict, Forbidden
from careplane.telehealth.messages import names
from careplane.telehealth.messages.parties import NOBODY, Asker, Party, parties, party, together

Priority = Literal["routine", "urgent"]


@dataclass(frozen=True, slots=True)
class Thread:
    """The head of a thread, read."""

    tree: Tree

    @property
    def id(self) -> str:
        return str(self.tree["id"])

    @property
    def title(self) -> str:
        return str(self.tree.get("topic", {}).get("text", ""))

    @property
    def topic(self) -> str:
        """A code of TOPICS; empty where there is none."""
        return names.code_of(self.tree.get("category"), names.TOPIC)

    @property
    def patient(self) -> str:
        """`Patient/17`; empty where it is about nobody."""
        return str(self.tree.get("subject", {}).get("reference", ""))

    @property
    def begun_by(self) -> Party:
        return party(self.tree.get("sender"))

    @property
    def begun(self) -> str:
        return str(self.tree.get("sent", ""))

    @property
    def people(self) -> tuple[Party, ...]:
        return parties(self.tree.get("recipient"))

    @property
    def pools(self) -> tuple[Party, ...]:
        return tuple(one for one in self.people if one.is_pool)

    @property
    def owner(self) -> Party:
        """Who has taken it; nobody where the reference is empty."""
        for one in self.tree.get("extension", ()):
            if one.get("url") == names.OWNER:
                return party(one.get("valueReference"))
        return NOBODY

    @property
    def is_open(self) -> bool:
        return self.tree.get("status") == "in-progress"

    @property
    def is_urgent(self) -> bool:
        return self.tree.get("priority") in ("urgent", "asap", "stat")

    @property
    def is_internal(self) -> bool:
        """Whether patients do not see it."""
        return names.has(self.tree.get("category"), names.KIND, names.INTERNAL)

    @property
    def is_waiting(self) -> bool:
        """Whether somebody of the practice is to answer."""
        return self._tagged(names.WAITING)

    @property
    def is_untaken(self) -> bool:
        return self._tagged(names.UNTAKEN)

    @property
    def with_patient(self) -> bool:
        """Whether the patient, or who acts for them, takes part."""
        return any(one.is_patient for one in (self.begun_by, *self.people))

    @property
    def waits_since(self) -> str:
        """Since when somebody of the practice is to answer; empty where nobody is."""
        for one in self.tree.get("extension", ()):
            if one.get("url") == names.SINCE:
                return str(one.get("valueDateTime", ""))
        return ""

    def concerns(self, asker: Asker) -> bool:
        """Whether somebody takes part in it, by themselves or by a pool of theirs."""
        return asker.among(one.reference for one in (self.begun_by, *self.people))

    def _tagged(self, code: str) -> bool:
        return any(
            tag.get("system") == names.STATE and tag.get("code") == code
            for tag in self.tree.get("meta", {}).get("tag", ())
        )


@dataclass(frozen=True, slots=True)
class Attached:
    """A file of a message: the document, and what is to be stored of it where it is new."""

    party: Party
    trees: tuple[Tree, ...] = ()


@dataclass(frozen=True, slots=True)
class Draft:
    """What somebody wants to begin: `to` are those who shall take part besides them."""

    title: str
    text: str
    to: tuple[Party, ...]
    topic: str = ""
    patient: Party = NOBODY
    internal: bool = False
    priority: Priority = "routine"
    files: tuple[Attached, ...] = ()
    about: tuple[str, ...] = ()


def is_thread(tree: Tree) -> bool:
    """Whether a Communication is the head of a thread."""
    return names.has(tree.get("category"), names.KIND, names.THREAD)


def is_message(tree: Tree) -> bool:
    """Whether a Communication is a message of a thread."""
    return names.has(tree.get("category"), names.KIND, names.MESSAGE)


def begin(id: str, draft: Draft, asker: Asker, now: int) -> Tree:
    """The head of a new thread."""
    kinds = [names.concept(names.KIND, names.THREAD)]
    if draft.internal:
        kinds.append(names.concept(names.KIND, names.INTERNAL))
    topic: Tree = {"text": draft.title}
    if draft.topic:
        kinds.append(names.concept(names.TOPIC, draft.topic, names.TOPICS.get(draft.topic, "")))
        topic = names.concept(names.TOPIC, draft.topic, draft.title)
    mine = () if asker.is_patient else (asker.me,)
    tree: Tree = {
        "resourceType": "Communication",
        "id": id,
        "identifier": [{"system": names.STATE, "value": id}],
        "status": "in-progress",
        "category": kinds,
        "priority": draft.priority,
        "topic": topic,
        "sent": format_instant(now),
        "sender": asker.me.tree(),
        "recipient": together(*draft.to, *mine),
    }
    if draft.patient.reference:
        tree["subject"] = draft.patient.tree()
    if draft.about:
        tree["about"] = [{"reference": one} for one in draft.about]
    untaken = any(one.is_pool for one in draft.to)
    if not untaken and not asker.is_patient and not draft.about:
        tree["extension"] = [{"url": names.OWNER, "valueReference": asker.me.tree()}]
    waiting = asker.is_patient or draft.internal or not draft.patient.reference
    return _tagged(labelled(tree, draft.internal), untaken=untaken, waiting=waiting, now=now)


def message(
    id: str,
    thread: Thread,
    asker: Asker,
    text: str,
    files: Sequence[Attached],
    now: int,
    *,
    answers: str = "",
    note: bool = False,
) -> Tree:
    """One message: to the practice from a patient, to the patient from the practice, to all others
    among colleagues. A note stays in the practice."""
    internal = note or thread.is_internal
    category = [names.concept(names.KIND, names.MESSAGE)]
    if internal:
        category.append(names.concept(names.KIND, names.INTERNAL))
    if thread.topic:
        category.append(names.concept(names.TOPIC, thread.topic))
    payload: list[Tree] = [{"contentString": text}]
    for file in files:
        shown: Tree = {"display": file.party.name} if file.party.name else {}
        payload.append({"contentReference": {"reference": file.party.reference, **shown}})
    tree: Tree = {
        "resourceType": "Communication",
        "id": id,
        "status": "completed",
        "category": category,
        "priority": thread.tree.get("priority", "routine"),
        "partOf": [{"reference": f"Communication/{thread.id}"}],
        "sent": format_instant(now),
        "sender": asker.me.tree(),
        "payload": payload,
    }
    if thread.patient:
        tree["subject"] = thread.tree["subject"]
    if answers:
        tree["inResponseTo"] = [{"reference": f"Communication/{answers}"}]
    if recipients := _recipients(thread, asker, note=note):
        tree["recipient"] = recipients
    return labelled(tree, internal)


def _recipients(thread: Thread, asker: Asker, *, note: bool) -> list[Tree]:
    everybody = [thread.begun_by, *thread.people]
    if asker.is_patient or note:
        everybody = [one for one in everybody if not one.is_patient]
    elif thread.with_patient and not thread.is_internal:
        patient = party(thread.tree.get("subject"))
        everybody = [patient, *(one for one in everybody if one.is_patient)]
    return together(*(one for one in everybody if one.reference != asker.me.reference))


def answered(thread: Thread, asker: Asker, now: int, *, note: bool = False) -> Tree:
    """After a message. A patient's opens it again; an answer of who may take it takes it."""
    if note:
        return joined(thread.tree, asker.me)
    tree = {**thread.tree, "status": "in-progress"}
    among = thread.is_internal or not thread.with_patient
    waiting = asker.is_patient or among
    if asker.is_patient:
        return _tagged(tree, untaken=thread.is_untaken, waiting=waiting, now=now)
    if thread.is_untaken and asker.among(one.reference for one in thread.pools):
        tree = _owned(tree, asker.me)
        return _tagged(joined(tree, asker.me), untaken=False, waiting=waiting, now=now)
    return _tagged(joined(tree, asker.me), untaken=thread.is_untaken, waiting=waiting, now=now)


def taken(thread: Thread, asker: Asker, instead_of: str = "") -> Tree:
    """Somebody has it from now on. Raises Conflict where somebody else has it who is not the one
    that was seen to have it, Forbidden for who does not take part."""
    _require_staff(thread, asker)
    owner = thread.owner
    if not thread.is_open:
        raise Conflict("This thread is closed; open it again first.")
    if owner.reference not in ("", asker.me.reference, instead_of):
        raise Conflict(f"{owner.name or 'Somebody else'} has taken this meanwhile.")
    tree = joined(_owned(thread.tree, asker.me), asker.me)
    return _tagged(tree, untaken=False, waiting=thread.is_waiting)


def handed_over(thread: Thread, asker: Asker, to: Party, topics: frozenset[str]) -> Tree:
    """Another pool, or a colleague, has it from now on. A pool has it under a topic of its own, and
    with that what is said from now on."""
    _require_staff(thread, asker)
    if not thread.is_open:
        raise Conflict("This thread is closed; open it again first.")
    tree = joined(joined(thread.tree, asker.me), to)
    if to.is_pool:
        people = [o.tree() for o in parties(tree["recipient"]) if not o.is_pool]
        if topics and thread.topic not in topics:
            tree = _about(tree, min(topics))
        tree = _owned({**tree, "recipient": [to.tree(), *people]}, NOBODY)
        return _tagged(tree, untaken=True, waiting=thread.is_waiting)
    return _tagged(_owned(tree, to), untaken=False, waiting=thread.is_waiting)


def closed(thread: Thread, asker: Asker) -> Tree:
    """Nobody is waited for any more."""
    _require_staff(thread, asker)
    if not thread.is_open:
        raise Conflict("This thread is closed already.")
    return ended(thread, asker)


def ended(thread: Thread, asker: Asker) -> Tree:
    """Closed, whoever has decided so."""
    tree = {**thread.tree, "status": "completed"}
    return _tagged(
        tree if asker.is_patient else joined(tree, asker.me), untaken=False, waiting=False
    )


def reopened(thread: Thread, asker: Asker) -> Tree:
    """Somebody goes on with it."""
    _require_staff(thread, asker)
    if thread.is_open:
        raise Conflict("This thread is open.")
    untaken = bool(thread.pools) and not thread.owner.reference
    return _tagged({**thread.tree, "status": "in-progress"}, untaken=untaken, waiting=True)


def joined(tree: Tree, who: Party) -> Tree:
    """With somebody among those who take part."""
    return {**tree, "recipient": together(*parties(tree.get("recipient")), who)}


def _require_staff(thread: Thread, asker: Asker) -> None:
    if asker.is_patient or not thread.concerns(asker):
        raise Forbidden("Threads are taken and closed by those in the practice who take part.")


def _about(tree: Tree, topic: str) -> Tree:
    """Under another topic."""
    kinds = [one for one in tree["category"] if not names.code_of([one], names.TOPIC)]
    words = {**tree["topic"], "coding": [{"system": names.TOPIC, "code": topic}]}
    concept = names.concept(names.TOPIC, topic, names.TOPICS.get(topic, ""))
    return {**tree, "category": [*kinds, concept], "topic": words}


def _owned(tree: Tree, owner: Party) -> Tree:
    value = {"valueReference": owner.tree()} if owner.reference else {}
    return _extended(tree, names.OWNER, **value)


def _waiting(tree: Tree, now: int) -> Tree:
    if not now or any(one.get("url") == names.SINCE for one in tree.get("extension", ())):
        return tree
    return _extended(tree, names.SINCE, valueDateTime=format_instant(now))


def _extended(tree: Tree, url: str, **value: object) -> Tree:
    """With an extension of this value, or without any."""
    kept = [one for one in tree.get("extension", ()) if one.get("url") != url]
    if value:
        kept.append({"url": url, **value})
    bare = {key: one for key, one in tree.items() if key != "extension"}
    return {**bare, "extension": kept} if kept else bare


def _tagged(tree: Tree, *, untaken: bool, waiting: bool, now: int = 0) -> Tree:
    """`now` is when something was said; what waits already has waited since before."""
    tree = _waiting(tree, now) if waiting else _extended(tree, names.SINCE)
    meta = tree.get("meta", {})
    tags = [tag for tag in meta.get("tag", ()) if tag.get("system") != names.STATE]
    states = ((names.UNTAKEN, untaken), (names.WAITING, waiting))
    tags += [{"system": names.STATE, "code": code} for code, holds in states if holds]
    meta = {key: value for key, value in meta.items() if key != "tag"}
    meta |= {"tag": tags} if tags else {}
    bare = {key: value for key, value in tree.items() if key != "meta"}
    return {**bare, "meta": meta} if meta else bare


def stored(message: Tree, files: Sequence[Attached]) -> tuple[Tree, ...]:
    """What is to be stored of the files of a message; hidden as the message is."""
    internal = names.has(message.get("category"), names.KIND, names.INTERNAL)
    return tuple(labelled(tree, internal) for file in files for tree in file.trees)


def labelled(tree: Tree, internal: bool) -> Tree:
    """Hidden from patients, where it is internal."""
    if not internal:
        return tree
    meta = tree.get("meta", {})
    labels = [*meta.get("security", ()), names.not_for_patients()]
    return {**tree, "meta": {**meta, "security": labels}}
