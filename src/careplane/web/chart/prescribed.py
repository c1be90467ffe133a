"""What is shown of a prescription: directions in words, and how a request for a refill stands."""

from __future__ import annotations

from dataclasses import dataclass

from careplane.care import tasks
from careplane.fhir.tree import Tree
from careplane.web.i18n import mark
from careplane.web.say import types
from careplane.web.say.dates import say_date
from careplane.web.say.sig import sig


@dataclass(frozen=True, slots=True)
class Refill:
    """A request for a refill. `word` says how it stands, `answer` why it was declined."""

    id: str
    word: str
    answer: str
    when: str
    open: bool


def directions(tree: Tree) -> str:
    """How a medicine is taken, in the language of the page."""
    return "; ".join(filter(None, (sig(d) for d in tree.get("dosageInstruction", ()))))


def refill(task: Tree) -> Refill:
    """A Task that asks for a refill."""
    status = str(task.get("status", ""))
    is_open = status in tasks.OPEN
    word = _WORDS.get(status, mark("Asked for"))
    when = say_date(str(task.get("lastModified") or task.get("authoredOn", "")))
    return Refill(task["id"], word, types.concept(task.get("statusReason", {})), when, is_open)


_WORDS = {
    "completed": mark("Refill approved"),
    "rejected": mark("Refill declined"),
    "cancelled": mark("Refill cancelled"),
}
