"""The notes of patients: begun from a template, saved, signed, added to, withdrawn, verified."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from careplane.access.caller import Caller
from careplane.access.fresh import Fresh, is_person
from careplane.access.scopes import parse_scopes
from careplane.care import encounters
from careplane.care.documents.document import Author
from careplane.care.notes import cosignature, filling, note, templates
from careplane.care.notes.names import NOTE_TEMPLATE, USE
from careplane.care.notes.signing import (
    AUTHOR,
    VERIFICATION,
    Signed,
    Signer,
    Verdict,
    is_same,
    provenance,
    signature_in,
)
from careplane.care.notes.templates import Part, Template
from careplane.care.provenance import nullified
from careplane.fhir.codec import json
from careplane.fhir.lines import named
from careplane.fhir.tree import Tree
from careplane.kernel.clock import Clock, format_instant
from careplane.kernel.errors import Forbidden, Incorrect, NotFound
from careplane.kernel.ids import NewId
from careplane.records import commands as c
from careplane.records.bodies import whole
from careplane.records.door import Door

_TYPE = "Composition"
_REASON = 500
_MANY = "100"
_SERVICE = parse_scopes("system/Provenance.rs")
_Decide = Callable[[Tree], tuple[c.Write, ...]]


@dataclass(frozen=True, slots=True)
class Standing:
    """What is to be said of its author's signature on a note; `also` are those that others put
    under it, and that hold."""

    verdict: Verdict
    signed: Signed | None = None
    also: tuple[Signed, ...] = ()


@dataclass(frozen=True, slots=True)
class Notes:
    """Over one door. What somebody with a role of `needing` signs needs a co-signature."""

    door: Door
    clock: Clock
    new_id: NewId
    signer: Signer
    fresh: Fresh
    needing: frozenset[str] = frozenset()

    async def offered(self, caller: Caller) -> list[Template]:
        """Those that ship, and those of the institution that the caller may see."""
        pairs = (("context", f"{USE}|{NOTE_TEMPLATE}"), ("status", "active"), ("_count", _MANY))
        shipped = [templates.shipped(key) for key in templates.SHIPPED]
        own = (templates.of(tree) for tree in await self._found(caller, "Questionnaire", pairs))
        return [*shipped, *filter(None, own)]

    async def template(self, caller: Caller, key: str) -> Template:
        """Raises NotFound."""
        if key in templates.SHIPPED:
            return templates.shipped(key)
        if key == templates.addendum().key:
            return templates.addendum()
        type, slash, id = key.partition("/")
        if type != "Questionnaire" or not slash:
            raise NotFound("There is no such template.")
        found = templates.of(json.parse(whole(await self.door.read(caller, c.Read(type, id)))))
        if found is None:
            raise NotFound("There is no such template.")
        return found

    async def begin(self, caller: Caller, patient: str, key: str, encounter: str = "") -> str:
        """A draft, its placeholders filled from the record as the caller may see it; its id."""
        by = author_of(caller)
        template = await self.template(caller, key)
        await self.door.read(caller, c.Read("Patient", patient))
        await encounters.require_of(self.door, caller, patient, encounter)
        names = filling.asked(part.begin for part in template.parts)
        known = dict(
            zip(names, await asyncio.gather(*(self._said(caller, patient, n) for n in names)),
                strict=True)
        )  # fmt: skip
        texts = {part.key: filling.filled(part.begin, known) for part in template.parts}
        tree = note.begun(template, patient, by, self._now(), texts, encounter)
        return await self._create(caller, tree)

    async def append(self, caller: Caller, id: str) -> str:
        """The draft of an addendum; its id."""
        to = json.parse(whole(await self.door.read(caller, c.Read(_TYPE, id))))
        tree = note.appending(templates.addendum(), to, author_of(caller), self._now())
        return await self._create(caller, tree)

    async def parts(self, caller: Caller, tree: Tree) -> tuple[Part, ...]:
        """The sections of a note's template; none where that is gone."""
        try:
            return (await self.template(caller, note.template_of(tree))).parts
        except (NotFound, Forbidden):
            return ()

    async def save(
        self, caller: Caller, tree: Tree, version: int, title: str, texts: Mapping[str, str]
    ) -> int:
        """Put down what the author typed (`tree` is the note as it was read); the version that it
        has then. Raises Forbidden, Conflict, Precondition, Incorrect."""
        parts, id, at = await self.parts(caller, tree), str(tree["id"]), self._now()

        def decide(before: Tree) -> tuple[c.Write, ...]:
            after = note.edited(before, version, caller.id, parts, title, texts, at)
            return () if after == before else (c.Write(_TYPE, id, after),)

        return version + len(await self._change(caller, "save-note", id, decide))

    async def sign(self, caller: Caller, id: str, version: int, cosigner: str = "") -> None:
        """The author signs what was seen; the note to which it is an addendum is amended, and
        `cosigner` (`Practitioner/17`) is asked to co-sign. Raises Unproven where the caller must
        prove anew who he is, Unnamed where a co-signer must be named, and as `save`."""
        self.fresh(caller)
        cosignature.require_named(caller, self.needing, cosigner)
        at, by, new, task = self._now(), author_of(caller), self.new_id(), self.new_id()
        who = await self.cosigner(caller, cosigner) if cosigner else {}

        def decide(before: Tree, appended: Tree | None) -> tuple[c.Write, ...]:
            after = note.signed(before, version, caller.id, by, at)
            jws = self.signer.sign(caller.tenant, after, version + 1, caller.id, at)
            said = provenance(new, after, version + 1, by, at, jws)
            writes = [c.Write(_TYPE, id, after), c.Write("Provenance", new, said, own=False)]
            if appended is not None and appended.get("status") == "final":
                amended = {**appended, "status": "amended"}
                writes.append(c.Write(_TYPE, str(appended["id"]), amended, own=False))
            if who:
                asked = cosignature.task(after, who, "", by, at)
                writes.append(c.Write("Task", task, asked, own=False))
            return tuple(writes)

        key = (_TYPE, id)

        def beside(seen: c.Seen) -> c.Asking:
            to = note.appended_to(seen.records.get(key, {})).partition("/")[2]
            return c.Asking(reads=((_TYPE, to),) if to else ())

        def whole_decision(seen: c.Seen) -> c.Decided:
            before = _there(seen, key)
            to = (_TYPE, note.appended_to(before).partition("/")[2])
            return c.Decided(decide(before, seen.records.get(to)))

        asks = (lambda seen: c.Asking(changes=(key,)), beside)
        await self.door.act(caller, c.Act("sign-note", asks, whole_decision, about=f"{_TYPE}/{id}"))

    async def cosigner(self, caller: Caller, reference: str) -> Tree:
        """Who is asked to co-sign, as a Reference. Raises Incorrect where there is nobody."""
        try:
            key = c.Read("Practitioner", reference.removeprefix("Practitioner/"))
            tree = json.parse(whole(await self.door.read(caller, key)))
        except NotFound:
            raise Incorrect("There is no such practitioner.") from None
        if not tree.get("active", True):
            raise Incorrect("This practitioner works here no longer.")
        return {"reference": reference, "display": named(tree)}

    async def withdraw(self, caller: Caller, id: str, version: int, reason: str) -> None:
        """Mark a signed note as entered in error. Raises Incorrect without a reason, and as
        `save`."""
        reason = " ".join(reason.split())
        if not reason or len(reason) > _REASON:
            raise Incorrect(f"Say why, in {_REASON} characters at most.")
        new, at, by = self.new_id(), self._now(), author_of(caller)

        key = (_TYPE, id)

        def decide(seen: c.Seen) -> c.Decided:
            before = _there(seen, key)
            after = note.withdrawn(before, version, caller.id)
            target = f"{_TYPE}/{id}/_history/{version + 1}"
            patient = str(before["subject"]["reference"])
            said = {**nullified(target, patient, by, reason, at), "id": new}
            over = [cosignature.closed(task, "cancelled", at) for task in seen.found["cosign"]]
            return c.Decided((
                c.Write(_TYPE, id, after), c.Write("Provenance", new, said, own=False),
                *(c.Write("Task", str(one["id"]), one, own=False) for one in over),
            ))  # fmt: skip

        asks = (lambda seen: c.Asking(changes=(key,), looks=(cosignature.look(id),)),)
        await self.door.act(caller, c.Act("withdraw-note", asks, decide, about=f"{_TYPE}/{id}"))

    async def discard(self, caller: Caller, id: str, version: int) -> None:
        """Delete a draft; its versions stay in the history. Raises as `save`."""
        tree = json.parse(whole(await self.door.read(caller, c.Read(_TYPE, id))))
        note.require_draft_of(tree, caller.id)
        await self.door.delete(caller, c.Delete(_TYPE, id, if_match=version))

    async def standing(self, caller: Caller, tree: Tree) -> Standing:
        """Whether a signed note, read as the caller sees it, is what was signed."""
        id = str(tree["id"])
        pairs = (("target", f"{_TYPE}/{id}"), ("_count", _MANY))
        reader = caller if self.door.may(caller, "s", "Provenance") else _service(caller)
        trees = await self._found(reader, "Provenance", pairs)
        signatures = [one for t in trees if (one := signature_in(t, id)) is not None]
        found = [await self._verified(caller, tree, one) for one in signatures]
        also = tuple(s for v, s in found if v == "holds" and s.purpose == VERIFICATION)
        mine = [v for v in found if v[1].purpose == AUTHOR and note.is_by(tree, v[1].who)]
        verdicts: tuple[Verdict, ...] = ("holds", "broken", "unknown")
        for verdict in verdicts:
            for reached, signed in mine:
                if reached == verdict:
                    return Standing(verdict, signed, also)
        return Standing("missing")

    async def signed_version(self, caller: Caller, id: str, signed: Signed) -> Tree:
        """What was signed, as the caller may read it."""
        command = c.Vread(_TYPE, id, signed.version)
        return json.parse(whole(await self.door.vread(caller, command)))

    async def _verified(self, caller: Caller, now: Tree, signed: Signed) -> tuple[Verdict, Signed]:
        try:
            tree = await self.signed_version(caller, str(now["id"]), signed)
        except NotFound:  # superseded and not kept: by its text it is what stands now
            tree = {**now, "status": "final"}
        verdict = self.signer.verify(caller.tenant, tree, signed)
        if verdict == "holds" and not is_same(tree, now):
            verdict = "broken"
        return verdict, signed

    async def _change(
        self, caller: Caller, operation: str, id: str, decide: _Decide
    ) -> tuple[c.Write, ...]:
        key = (_TYPE, id)

        def decided(seen: c.Seen) -> c.Decided:
            writes = decide(_there(seen, key))
            return c.Decided(writes, writes)

        asks = (lambda seen: c.Asking(changes=(key,)),)
        act = c.Act(operation, asks, decided, about=f"{_TYPE}/{id}")
        answer = (await self.door.act(caller, act)).answer
        assert isinstance(answer, tuple)
        return answer

    async def _create(self, caller: Caller, tree: Tree) -> str:
        written = await self.door.create(caller, c.Create(_TYPE, json.dump(tree)))
        assert written.version is not None
        return written.version.id

    async def _said(self, caller: Caller, patient: str, name: str) -> str:
        need = filling.NEEDS[name]
        pairs = (("patient", patient), *need.pairs, ("_count", _MANY))
        try:
            found = await self.door.search(caller, c.Search(need.type, pairs))
        except Forbidden:
            return filling.said(name, None)
        return filling.said(name, [json.parse(whole(v)) for v in found.matches])

    async def _found(
        self, caller: Caller, type: str, pairs: tuple[tuple[str, str], ...]
    ) -> list[Tree]:
        try:
            found = await self.door.search(caller, c.Search(type, pairs))
        except Forbidden:
            return []
        return [json.parse(whole(version)) for version in found.matches]

    def _now(self) -> str:
        return format_instant(self.clock())


def author_of(caller: Caller) -> Tree:
    """Raises Forbidden for who is no person of the records."""
    if not is_person(caller):
        raise Forbidden("Notes are written by people of the record, not by programs.")
    return Author(caller.id, caller.name).reference()


def _there(seen: c.Seen, key: tuple[str, str]) -> Tree:
    found = seen.records.get(key)
    if found is None:
        raise NotFound("There is no such note that you may change.")
    return found


def _service(caller: Caller) -> Caller:
    """As whom the house looks for signatures."""
    return Caller(caller.tenant, "service/notes", "Clinical notes", _SERVICE)
