"""What `:in`, `:above`, `:below` and `:text` ask of terminology; whoever holds codes answers.

A port: `terminology` stands above this room, and takes its time. So a search is read with the
answers that are there; where one is missing, `Unanswered` says which, and the search is read again
with it. What R4 itself binds as required is answered here.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, Protocol

from msgspec import Struct

from careplane.fhir.definitions import required_codings
from careplane.kernel.errors import Unsupported
from careplane.search.plan import Coding


class Question(Struct, frozen=True):
    """`in`: all codes of a value set, named by canonical URL or as `ValueSet/id`; `below`, `above`:
    a code of `system`, and all that it subsumes or that subsume it; `text`: the codes that some
    code system has a name for which begins so."""

    about: Literal["in", "below", "above", "text"]
    value: str
    system: str = ""


Answer = tuple[Coding, ...] | None
"""None always means: this is not held here."""


class Unanswered(Unsupported):
    """Nobody has asked terminology this yet; whoever can does, and reads the search again."""

    def __init__(self, question: Question) -> None:
        super().__init__("Value sets and hierarchies cannot be looked up here.")
        self.question = question


class CodeSets(Protocol):
    """Value sets and hierarchies."""

    def answer(self, question: Question) -> Answer:
        """The codes. Raises Unanswered."""


class R4CodeSets:
    """The value sets that R4 lists in full for its required bindings; no hierarchies."""

    def answer(self, question: Question) -> Answer:
        if question.about == "text":
            return ()
        if question.about != "in":
            return None
        codings = required_codings(question.value)
        return None if codings is None else tuple(Coding(*pair) for pair in sorted(codings))


class Answers:
    """What terminology has said, and before that what R4 lists."""

    def __init__(self, known: Mapping[Question, Answer]) -> None:
        self.known = known

    def answer(self, question: Question) -> Answer:
        if question in self.known:
            return self.known[question]
        found = _R4.answer(question)
        if not found:
            raise Unanswered(question)
        return found


_R4 = R4CodeSets()
NOTHING_ASKED = Answers({})
