"""Answers that come later: what an examination asked and could not be told at once.

asked = Asked()
while True:
    found = examine(tree, library, codes=asked, resolver=asked)
    if not asked.open:
        break
    asked.answer(await ...)      # for each of asked.codes_open, asked.references_open
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from careplane.fhir.profiles.ports import UNKNOWN, CodeQuestion, Verdict
from careplane.fhir.tree import Tree


class Asked:
    """A CodeChecker and Resolver of answers that were brought, which notes what is still asked.

    An examination over it is repeated until nothing is open; what a first round cannot reach it
    asks in a second one. `known` are answers to start with, such as those of a cache;
    `filter_trouble` is as in `ports.CodeChecker`.
    """

    def __init__(
        self,
        known: Mapping[CodeQuestion, Verdict] | None = None,
        filter_trouble: Callable[[str, str, str, str], str] = lambda *_: "",
    ) -> None:
        self._filter = filter_trouble
        self._codes: dict[CodeQuestion, Verdict] = dict(known or {})
        self._references: dict[str, Tree | None] = {}
        self.codes_open: dict[CodeQuestion, None] = {}
        self.references_open: dict[str, None] = {}

    @property
    def open(self) -> bool:
        """Whether something is still asked."""
        return bool(self.codes_open or self.references_open)

    def check(self, question: CodeQuestion) -> Verdict:
        """The answer, or nobody knows, and the question is open."""
        found = self._codes.get(question)
        if found is None:
            self.codes_open[question] = None
            return UNKNOWN
        return found

    def filter_trouble(self, system: str, property: str, op: str, value: str) -> str:
        """Told by what is at hand, never asked."""
        return self._filter(system, property, op, value)

    def resolve(self, reference: str) -> Tree | None:
        """The resource, or nothing, and the reference is open."""
        if reference not in self._references:
            self.references_open[reference] = None
            return None
        return self._references[reference]

    def answer(
        self,
        codes: Mapping[CodeQuestion, Verdict],
        references: Mapping[str, Tree | None],
    ) -> None:
        """Bring answers. What is still open after that counts as unknown."""
        self._codes.update(codes)
        self._references.update(references)
        for question in self.codes_open:
            self._codes.setdefault(question, UNKNOWN)
        for reference in self.references_open:
            self._references.setdefault(reference, None)
        self.codes_open.clear()
        self.references_open.clear()
