"""What the engine asks of the world: definitions, codes, and what references point to.

The engine is pure; each question has an answer that a caller may have ready. One that has to wait
for its answers (a terminology in a database, a record behind the door) examines with
`asking.Asked`, answers what was left open, and examines again.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal, Protocol

from careplane.fhir.tree import Tree

Severity = Literal["error", "warning", "information"]


class Definitions(Protocol):
    """StructureDefinitions, value sets and whatever else has a canonical URL."""

    def artifact(self, type: str, canonical: str) -> Tree | None:
        """The resource of this type and canonical (`url` or `url|version`), None where there is
        none. The same canonical gives the same resource as long as this object lives."""


@dataclass(frozen=True, slots=True)
class CodeQuestion:
    """Is this a code of its system, or of a value set where one is named?

    `system` is empty for an element of type code, whose system follows from the value set.
    `display` is judged only where no value set is asked about.
    """

    system: str
    code: str
    version: str = ""
    display: str = ""
    value_set: str = ""


@dataclass(frozen=True, slots=True)
class Verdict:
    """The answer. `result` is None where nobody can tell: an unknown code system or value set.

    `display` is the right one where the display that was sent is wrong; `supplement` tells that the
    system is a supplement, which no code is drawn from.
    """

    result: bool | None
    text: str = ""
    display: str = ""
    supplement: bool = False


UNKNOWN: Final = Verdict(None)


class CodeChecker(Protocol):
    """Answers about codes."""

    def check(self, question: CodeQuestion) -> Verdict:
        """What is known about the code. Never raises for a code or a URL, however strange."""

    def filter_trouble(self, system: str, property: str, op: str, value: str) -> str:
        """What is wrong with a filter of a value set over a system (ValueSet.compose.include), as
        where an expression constraint is none; empty where nothing is, or nobody can tell."""


class Resolver(Protocol):
    """Finds what is not in the resource itself, nor in the Bundle around it."""

    def resolve(self, reference: str) -> Tree | None:
        """The resource that a literal reference points to, None where it cannot be had."""


class NoDefinitions:
    """Knows none."""

    def artifact(self, type: str, canonical: str) -> Tree | None:
        """Nothing."""
        return None


class NoCodes:
    """Can tell of no code."""

    def check(self, question: CodeQuestion) -> Verdict:
        """Nobody knows."""
        return UNKNOWN

    def filter_trouble(self, system: str, property: str, op: str, value: str) -> str:
        """Nobody knows."""
        return ""


class NoResolver:
    """Finds nothing."""

    def resolve(self, reference: str) -> Tree | None:
        """Nothing."""
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """How strict an examination is.

    `unknown_extensions`: what an extension is told as whose definition cannot be had; None tells
    nothing. One that modifies is an error in any case. `extension_domains` are beginnings of URLs
    that need no definition. `displays`: as what a wrong display is told. `references`: whether what
    a literal reference points to outside of the resource is `ignored`, or must conform to a target
    profile (`valid`) where it can be had. `steps` bounds the work: each is an element held against
    a rule; the expressions of all invariants together have as many of their own. `vital_signs`:
    whether an observation is held against the profile that R4 requires by its code. `plain_text`:
    whether a string with tags of HTML is an error. `now` is the time for FHIRPath, in microseconds
    since 1970.
    """

    unknown_extensions: Severity | None = "information"
    extension_domains: tuple[str, ...] = ()
    displays: Severity = "warning"
    references: Literal["ignored", "valid"] = "ignored"
    vital_signs: bool = True
    plain_text: bool = False
    steps: int = 2_000_000
    now: int | None = None
