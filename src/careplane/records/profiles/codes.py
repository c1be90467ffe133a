"""What the profile engine asks about codes, answered from terminology."""

from __future__ import annotations

from time import monotonic

from careplane.fhir.profiles import CodeQuestion, Verdict
from careplane.fhir.profiles.fast.around import Triple
from careplane.fhir.profiles.ports import UNKNOWN
from careplane.fhir.profiles.syntax import is_misshapen
from careplane.kernel.errors import CareplaneError
from careplane.terminology.coded import Coding
from careplane.terminology.compose import Composed, Part, compose
from careplane.terminology.concepts import Concept
from careplane.terminology.infer import infer
from careplane.terminology.library import Library
from careplane.terminology.membership import Membership
from careplane.terminology.options import Options
from careplane.terminology.scope import Scope
from careplane.terminology.status import value_sets

_MIME_TYPES = "http://hl7.org/fhir/ValueSet/mimetypes"
_FORMATS = ("xml", "json", "ttl")
"""What R4 lets stand for the content types of its own formats (CapabilityStatement.format)."""
_MOST = 50_000
_SECONDS = 30.0
"""How long an answer is good: terminologies change rarely, and codes come again and again."""


class Answers:
    """Answers that are at hand, for a while. `triples` says of value set, system and code whether
    the answer was not "no", for the fast path."""

    def __init__(self) -> None:
        self.triples: dict[Triple, bool] = {}
        self._found: dict[CodeQuestion, Verdict] = {}
        self._until = 0.0

    def get(self, question: CodeQuestion) -> Verdict | None:
        """The answer, if it is at hand."""
        return self._found.get(question)

    def renew(self) -> None:
        """Forget what is too old."""
        if monotonic() > self._until or len(self._found) > _MOST:
            self._found.clear()
            self.triples.clear()
            self._until = monotonic() + _SECONDS

    def note(self, question: CodeQuestion, verdict: Verdict) -> None:
        """An answer."""
        self._found[question] = verdict
        if not question.version:
            triple = question.value_set, question.system, question.code
            self.triples[triple] = _speaks_for(question, verdict)


def _speaks_for(question: CodeQuestion, verdict: Verdict) -> bool:
    if verdict.result is None and not question.value_set:
        return not verdict.supplement and not is_misshapen(question.system, question.code)
    return verdict.result is not False


async def verdict(library: Library, question: CodeQuestion) -> Verdict:
    """The answer to one question; what cannot be told is unknown, and no error."""
    scope = Scope(library, Options())
    try:
        if question.value_set:
            return await _member(scope, question)
        return await _own(scope, question)
    except CareplaneError:  # a value set that cannot be used says nothing about a code
        return UNKNOWN


async def _member(scope: Scope, question: CodeQuestion) -> Verdict:
    if question.value_set.partition("|")[0] == _MIME_TYPES and question.code in _FORMATS:
        return Verdict(True)
    tree = await scope.value_set(question.value_set)
    if tree is None:
        return UNKNOWN
    composed = await compose(scope, tree)
    if composed.stored == ():
        return UNKNOWN  # it says nothing of its content
    coding = Coding(question.system, question.version, question.code)
    told = _listed(composed, coding)
    if told is not None:
        return Verdict(told)
    if coding.system:
        found = await Membership(scope).of(composed, coding)
        return UNKNOWN if found.undecided and not found.member else Verdict(found.member)
    system, _ = await infer(scope, composed, coding)
    return Verdict(True) if system else await _without(scope, composed)


def _listed(value_set: Composed, coding: Coding) -> bool | None:
    """What a value set says by the codes that it lists, whether their code system is here or not;
    None where it says more than that."""
    if value_set.stored is not None:
        rows = value_set.stored
        found = (c.get("system") for c in rows if c.get("code") == coding.code)
        return any(coding.system in ("", system) for system in found) if rows else None
    out = [_part(part, coding) for part in value_set.excludes]
    answers = [_part(part, coding) for part in value_set.includes]
    if True in out or not (True in answers or None in answers):
        return False
    return True if True in answers and None not in out else None


def _part(part: Part, coding: Coding) -> bool | None:
    answers = [_listed(one, coding) for one in part.sets]
    if part.wanted is not None and coding.system not in ("", part.system):
        answers.append(False)
    elif part.wanted is not None:
        listed = part.listed is not None and not part.filters
        answers.append(coding.code in part.listed if listed and part.listed is not None else None)
    return False if False in answers else None if None in answers else bool(answers)


async def _without(scope: Scope, value_set: Composed) -> Verdict:
    """A code without a system that is in none of the value set's: none, if all of them are here."""
    for one in value_sets(value_set):
        for part in one.includes:
            if part.system and not await scope.versions(part.system):
                return UNKNOWN
    return Verdict(False)


async def _own(scope: Scope, question: CodeQuestion) -> Verdict:
    concepts = await scope.chosen(question.system, question.version)
    if concepts is None:
        return Verdict(None, supplement=bool(await scope.supplement_of_itself(question.system)))
    concept = await concepts.find(question.code)
    if concept is None:
        return Verdict(False) if concepts.about.content == "complete" else UNKNOWN
    return Verdict(True, "", _better(concept, question.display))


def _better(concept: Concept, display: str) -> str:
    """The right display; empty where the one that was sent is a name of the concept."""
    names = [concept.display, *(one.value for one in concept.designations)]
    is_known = not display or _folded(display) in map(_folded, names)
    return "" if is_known or not concept.display else concept.display


def _folded(text: str) -> str:
    return " ".join(text.casefold().split())
