"""Co-signatures: asked for, given, and refused, over the notes of an installation."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from careplane.access.caller import Caller
from careplane.care import asking, pools
from careplane.care.notes import cosignature, note
from careplane.care.notes.notes import Notes, author_of
from careplane.care.notes.signing import VERIFICATION, provenance
from careplane.fhir.tree import Tree
from careplane.kernel.clock import format_instant
from careplane.kernel.errors import Conflict, Forbidden, Incorrect
from careplane.records import commands as c

_TYPE = "Composition"
_STANDS = "Only a note that stands and is signed is co-signed."


@dataclass(frozen=True, slots=True)
class Cosigning:
    """Over the notes."""

    notes: Notes

    async def ask(self, caller: Caller, id: str, of: str, words: str = "") -> None:
        """The author of a signed note asks somebody (`Practitioner/17`) to co-sign it. Raises
        Incorrect, Conflict where it does not stand or is asked already, Forbidden for others."""
        by = author_of(caller)
        if not of:
            raise Incorrect("A co-signature is asked of another practitioner.")
        cosignature.require_named(caller, frozenset(), of)
        words = _short(words)
        tree = await asking.read(self.notes.door, caller, _TYPE, id)
        if note.is_draft(tree) or tree.get("status") == note.WRONG or not note.is_ours(tree):
            raise Conflict(_STANDS)
        if not note.is_by(tree, caller.id):
            raise Forbidden("Its author asks for a co-signature.")
        standing = await self.notes.standing(caller, tree)
        if any(one.who == of for one in standing.also):
            raise Conflict("This person has co-signed the note already.")
        who, new, now = await self.notes.cosigner(caller, of), self.notes.new_id(), self._now()

        def decide(seen: c.Seen) -> c.Decided:
            cosignature.require_unasked(cosignature.asked_for(seen), of)
            made = cosignature.task(tree, who, words, by, now)
            writes = [c.Write("Task", new, made, own=False)]
            for task in cosignature.sent_back(seen):
                writes.append(_write(cosignature.closed(task, "completed", now)))
            return c.Decided(tuple(writes))

        await self._act(caller, "ask-cosignature", id, decide)

    async def cosign(self, caller: Caller, id: str) -> None:
        """Somebody else vouches for what the author signed, as a supervisor for a trainee: a
        signature of its own over the same version; what asked for it is done. Raises Conflict where
        there is nothing to vouch for, or it has been done; Unproven, Forbidden."""
        notes = self.notes
        notes.fresh(caller)
        cosignature.require_own_right(caller, notes.needing)
        by, new, at = author_of(caller), notes.new_id(), self._now()
        tree = await asking.read(notes.door, caller, _TYPE, id)
        standing = await notes.standing(caller, tree)
        if standing.verdict != "holds" or standing.signed is None or tree["status"] == note.WRONG:
            raise Conflict(_STANDS)
        if note.is_by(tree, caller.id) or any(one.who == caller.id for one in standing.also):
            raise Conflict("You have signed this note already.")
        version = standing.signed.version
        signed = await notes.signed_version(caller, id, standing.signed)
        jws = notes.signer.sign(caller.tenant, signed, version, caller.id, at, VERIFICATION)
        said = provenance(new, signed, version, by, at, jws, VERIFICATION)
        key = (_TYPE, id)

        def decide(seen: c.Seen) -> c.Decided:
            if seen.records.get(key, {}).get("status") not in ("final", "amended"):
                raise Conflict(_STANDS)
            done = [
                _write(cosignature.given(task, new, at)) for task in cosignature.asked_for(seen)
            ]
            over = [_write(cosignature.closed(task, "completed", at))
                    for task in cosignature.sent_back(seen)]  # fmt: skip
            return c.Decided((c.Write("Provenance", new, said, own=False), *done, *over))

        await self._act(caller, "cosign-note", id, decide, changes=(key,))

    async def refuse(self, caller: Caller, id: str, reason: str) -> None:
        """Who is asked does not co-sign a note, and says why; it comes back to whoever asked.
        Raises Incorrect without a reason, Conflict where the caller is not asked."""
        by, new, now = author_of(caller), self.notes.new_id(), self._now()
        reason = _short(reason)
        if not reason:
            raise Incorrect(f"Say why, in {cosignature.REASON} characters at most.")
        tree = await asking.read(self.notes.door, caller, _TYPE, id)
        mine = await pools.owners(self.notes.door, caller)

        def decide(seen: c.Seen) -> c.Decided:
            for task in cosignature.asked_for(seen):
                if task.get("owner", {}).get("reference") in mine:
                    back = cosignature.returned(task, tree, reason, by, now)
                    over = _write(cosignature.refused(task, reason, by, now))
                    return c.Decided((over, c.Write("Task", new, back, own=False)))
            raise Conflict("You are not asked to co-sign this note, or not any more.")

        await self._act(caller, "refuse-cosignature", id, decide)

    async def _act(
        self, caller: Caller, operation: str, id: str, decide: Callable[[c.Seen], c.Decided],
        changes: tuple[tuple[str, str], ...] = (),
    ) -> None:  # fmt: skip
        asks = (lambda seen: c.Asking(changes=changes, looks=(cosignature.look(id),)),)
        await self.notes.door.act(caller, c.Act(operation, asks, decide, about=f"{_TYPE}/{id}"))

    def _now(self) -> str:
        return format_instant(self.notes.clock())


def _write(task: Tree) -> c.Write:
    return c.Write("Task", str(task["id"]), task, own=False)


def _short(words: str) -> str:
    words = " ".join(words.split())
    if len(words) > cosignature.REASON:
        raise Incorrect(f"Write {cosignature.REASON} characters at most.")
    return words
