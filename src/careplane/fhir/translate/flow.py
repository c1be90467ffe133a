"""What an expression becomes before it is Python text: branches of clauses that end in a value.

`component.code.coding` over a struct `r` is one branch: for each `c` of `r.component`; bind `k` to
`c.code` where there is one; the value is `k.coding`, which may be None and is a list. A choice
(`value`) or a union (`a | b`) has several branches.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from itertools import count


class Untranslatable(Exception):
    """The expression is beyond this translator; an interpreter can do it on trees."""


@dataclass(frozen=True, slots=True)
class Each:
    """`for var in source`; `optional` sources may be None. Lists of primitives may hold None."""

    var: str
    source: str
    optional: bool = False
    holes: bool = False


@dataclass(frozen=True, slots=True)
class Bind:
    """`var = source`, and go on only where it is not None."""

    var: str
    source: str


@dataclass(frozen=True, slots=True)
class Test:
    """Go on only where the code is true."""

    code: str


Clause = Each | Bind | Test


@dataclass(frozen=True, slots=True)
class Branch:
    """One way to values of one type.

    `code` is a value, or None where `optional`, or a list of values where `many`. `sibling` is the
    code of the extension sibling of a primitive (`r.birthDate_ext`). FHIR types are named as in
    `definitions`; types of FHIRPath itself are `System.Boolean`, `System.String`, ...
    """

    clauses: tuple[Clause, ...]
    code: str
    type: str
    optional: bool = False
    many: bool = False
    sibling: str | None = None

    @property
    def loops(self) -> bool:
        """Whether it can yield more than one value."""
        return self.many or any(isinstance(clause, Each) for clause in self.clauses)

    def under(self, *clauses: Clause) -> Branch:
        """The same value under more clauses."""
        return replace(self, clauses=(*self.clauses, *clauses))


@dataclass(frozen=True, slots=True)
class Truth:
    """A logical value of three states: `yes` is Python text that is true where the expression is
    true, `no` where it is false; where neither holds it is empty."""

    yes: str
    no: str


def definite(code: str) -> Truth:
    """A logical value that is never empty."""
    return Truth(code, _negated(code))


_IS, _IS_NOT = " is None", " is not None"


def _negated(code: str) -> str:
    """`not code`, in fewer words where that is easy."""
    if " " not in code.removesuffix(_IS_NOT):
        return code.removesuffix(_IS_NOT) + _IS if code.endswith(_IS_NOT) else f"not {code}"
    if code.startswith("not ") and _closes_at_end(code):
        return code.removeprefix("not ")
    return f"not {code}"


def _closes_at_end(code: str) -> bool:
    """Whether the first parenthesis closes with the last character: the text is one operand."""
    depth = 0
    for at, character in enumerate(code):
        depth += {"(": 1, ")": -1}.get(character, 0)
        if depth == 0 and character == ")":
            return at == len(code) - 1
    return False


@dataclass(frozen=True, slots=True)
class Collection:
    """The values of an expression: all values of the first branch, then of the next.

    `single` says that at most one value can come out of all of them (the types of a choice exclude
    each other). `truth` is set for logical results, whose branches are then None.
    """

    branches: tuple[Branch, ...]
    single: bool
    truth: Truth | None = None


EMPTY = Collection((), single=True)


@dataclass(slots=True)
class Names:
    """Fresh variable names within one generated function."""

    numbers: Iterator[int] = field(default_factory=lambda: count(1))

    def fresh(self, hint: str) -> str:
        """`coding3`."""
        return f"{''.join(c for c in hint if c.isalnum())}{next(self.numbers)}"
