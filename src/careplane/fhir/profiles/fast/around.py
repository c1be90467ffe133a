"""What a struct is looked at with: answers about codes, and the entries of the Bundle around."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from careplane.fhir.profiles.coded import UCUM
from careplane.fhir.profiles.ports import CodeChecker, CodeQuestion
from careplane.fhir.profiles.syntax import is_misshapen

Triple = tuple[str, str | None, str | None]
"""Value set, system, code. Without a value set it is about the code system's own codes; without a
system it is an element of type code. A system has `|version` where the Coding names one."""

Inside = Mapping[str, tuple[str, frozenset[str]]]
"""fullUrl -> type of the entry, and the profiles it claims."""


class Answered(Protocol):
    """What is known of codes. A dict with the answers so far does."""

    def __getitem__(self, triple: Triple, /) -> bool:
        """Whether the answer was not "no". Raises KeyError for a triple not asked about yet."""


@dataclass(slots=True)
class Around:
    """`base` is that of the entry's fullUrl."""

    known: Answered
    inside: Inside = field(default_factory=dict)
    base: str = ""


class Known:
    """The answers of a CodeChecker, which is asked once about each triple. What it holds is
    bounded: with `MOST` answers it starts anew."""

    MOST = 100_000

    def __init__(self, codes: CodeChecker) -> None:
        self._codes = codes
        self._answers: dict[Triple, bool] = {}

    def __getitem__(self, triple: Triple) -> bool:
        found = self._answers.get(triple)
        return self._asked(triple) if found is None else found

    def _asked(self, triple: Triple) -> bool:
        value_set, system, code = triple
        if None in triple:
            return False  # a Coding without system or code is in no value set
        url, _, version = (system or "").partition("|")
        code = code or ""
        verdict = self._codes.check(CodeQuestion(url, code, version, value_set=value_set))
        if len(self._answers) >= self.MOST:
            self._answers.clear()
        answer = verdict.result is not False and not verdict.supplement
        if not value_set:
            misshapen = verdict.result is None and is_misshapen(url, code)
            answer = url == UCUM or (answer and not misshapen)
        self._answers[triple] = answer
        return answer


def coding_is_known(coding: Any, around: Around) -> bool:
    """Whether a Coding is a known code of its system, or none that can be asked about."""
    system, code = coding.system, coding.code
    if coding.version is not None and system is not None:
        system = f"{system}|{coding.version}"
    return code is None or system is None or around.known[("", system, code)]


def refers(
    reference: Any,
    types: frozenset[str],
    plain: frozenset[str],
    profiles: frozenset[str],
    around: Around,
) -> bool:
    """Whether a Reference surely points to one of the types; in a Bundle to an entry that is of a
    plain type or claims one of the profiles."""
    text = reference.reference
    if text is None:
        return True
    if reference.type is not None or text[0] == "#":
        return False
    head, _, rest = text.partition("/")
    if around.inside:
        found = around.inside.get(text) or around.inside.get(around.base + text)
        if found is not None:
            return found[0] in types and (found[0] in plain or not profiles.isdisjoint(found[1]))
    if head in types:
        return "/" not in rest and "?" not in rest
    return bool(text.startswith("urn:"))
