"""What may become of a note that is there, by whatever way: a draft is its author's, a signed one
is for good, and so is its signature.

Of a signed note `meta` alone changes, where labels and tags stand. Programs (an interface, an
import) may bring drafts of others up to date; they sign none and undo none.
"""

from __future__ import annotations

from careplane.access.caller import Caller
from careplane.access.fresh import is_person
from careplane.care.notes.names import TEMPLATE
from careplane.care.notes.note import is_by, is_draft, is_ours
from careplane.fhir.tree import Tree
from careplane.kernel.errors import Conflict, Forbidden
from careplane.records.admission import Keep, said
from careplane.records.bodies import Content
from careplane.storage.ports.records import Version

_MARK = TEMPLATE.encode()
_JOSE = b"application/jose"
_FOR_GOOD = (
    "The note is signed. It does not change and is not deleted; its author writes an addendum, or "
    "marks it as entered in error."
)


def composition(caller: Caller, current: Version | None, content: Content | None) -> None:
    """Raises Conflict for a signed note, and for one that would be signed without a signature;
    Forbidden for the draft of somebody else."""
    if current is None or _MARK not in current.rest:
        return
    before = said(current)
    if not is_ours(before):
        return
    after = None if content is None else said(content)
    if not is_draft(before):
        if after is None or _but_meta(before) != _but_meta(after):
            raise Conflict(_FOR_GOOD)
        return
    if is_person(caller) and not is_by(before, caller.id):
        raise Forbidden("Only its author changes or deletes a draft.")
    if after is not None and (not is_draft(after) or not is_ours(after)):
        raise Conflict("A draft becomes final when its author signs it, on the page of the note.")


def provenance(caller: Caller, current: Version | None, content: Content | None) -> None:
    """Raises Conflict where a signature of a note would change or go."""
    if current is None or _JOSE not in current.rest:
        return
    before = said(current)
    targets = (str(one.get("reference", "")) for one in before.get("target", ()))
    if not any(target.startswith("Composition/") for target in targets):
        return
    if content is None or _but_meta(before) != _but_meta(said(content)):
        raise Conflict("This is the signature of a note. It does not change and is not deleted.")


KEEPS: dict[str, Keep] = {"Composition": composition, "Provenance": provenance}


def _but_meta(tree: Tree) -> Tree:
    return {name: value for name, value in tree.items() if name != "meta"}
