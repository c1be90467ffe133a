"""What may become of a Communication by whatever way but the operations of this room.

What was sent stays as it was sent: others add that they have read it, or somebody says that it was
sent in error. Heads of threads change by the operations alone, and patients write by them alone.
"""

from __future__ import annotations

from careplane.access.caller import Caller, acts_as_patient
from careplane.fhir.tree import Tree
from careplane.kernel.errors import Forbidden, Invalid, Issue
from careplane.records.admission import Keep, said
from careplane.records.bodies import Content
from careplane.storage.ports.records import Version
from careplane.telehealth.messages import names, receipts, thread

_SENT = frozenset({"completed", "entered-in-error"})
_SERVERS = ("versionId", "lastUpdated")


def kept(caller: Caller, current: Version | None, content: Content | None) -> None:
    """Raises Forbidden for what may not be, Invalid for what would show what is internal."""
    after = None if content is None else said(content)
    before = None if current is None or current.deleted else said(current)
    if after is not None:
        _require_label(after)
    if before is None:
        _may_come(caller, after or {})
    elif thread.is_thread(before) or (after is not None and thread.is_thread(after)):
        raise Forbidden("Threads change by $reply, $take, $hand-over, $close and $reopen.")
    elif after is None:
        if before.get("status") in _SENT:
            raise Forbidden("A message stays as it was sent; give it status entered-in-error.")
    elif before.get("status") in _SENT or acts_as_patient(caller):
        _may_change(caller, before, after)


def _may_come(caller: Caller, after: Tree) -> None:
    if acts_as_patient(caller):
        raise Forbidden("Patients write with Communication/$message and $reply.")
    if thread.is_thread(after):
        raise Forbidden("Threads are begun with Communication/$message.")


def _may_change(caller: Caller, before: Tree, after: Tree) -> None:
    if acts_as_patient(caller):
        known = receipts.readers(before)
        added = [one for one in receipts.readers(after) if one not in known]
        forged = any(reader.reference != caller.id for reader, _ in added)
        gone = any(one not in receipts.readers(after) for one in known)
        same = before.get("status") == after.get("status") and _meta(before) == _meta(after)
        if not forged and not gone and same and _bare(before) == _bare(after):
            return
        raise Forbidden("Patients change nothing of a message but that they have read it.")
    withdrawn = after.get("status") == "entered-in-error"
    if not withdrawn and before.get("status") != after.get("status"):
        raise Forbidden("A message that was sent stays so, or has status entered-in-error.")
    if _bare(before) != _bare(after):
        raise Forbidden(
            "A message stays as it was sent: received, receipts and status entered-in-error may be "
            "added; send another one that says what is right."
        )


def _require_label(tree: Tree) -> None:
    """What says that it is internal must be hidden from patients."""
    if not names.has(tree.get("category"), names.KIND, names.INTERNAL):
        return
    label = names.not_for_patients()
    for one in tree.get("meta", {}).get("security", ()):
        if (one.get("system"), one.get("code")) == (label["system"], label["code"]):
            return
    text = f"What is internal has the label {label['code']} of {label['system']} in meta.security."
    raise Invalid(text, issues=(Issue("error", "required", text, "Communication.meta.security"),))


def _bare(tree: Tree) -> Tree:
    """Without what may be added, and without labels and tags, which have rules of their own."""
    left = {k: v for k, v in tree.items() if k not in ("received", "status", "meta", "extension")}
    extensions = [one for one in tree.get("extension", ()) if one.get("url") != names.RECEIPT]
    return {**left, "extension": extensions}


def _meta(tree: Tree) -> Tree:
    return {k: v for k, v in tree.get("meta", {}).items() if k not in _SERVERS}


KEEPS: dict[str, Keep] = {"Communication": kept}
