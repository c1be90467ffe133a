"""What a reader of some format makes of a release; what is loaded is the same for all of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Protocol

from msgspec import Struct

from careplane.fhir.tree import Tree
from careplane.kernel.errors import Invalid


class Fact(Struct, frozen=True, array_like=True, omit_defaults=True, gc=False):
    """Something that a release says of a concept. There may be any number of a concept, in any
    order: texts and flags of later ones stand where they are given, lists grow. Designations are
    `(use as JSON or empty, language, value)`; properties are `(code, type, value as text or
    Coding as JSON, relationship group)`; `member_of` are codes of reference sets; `extension` is
    JSON, an array."""

    code: str
    display: str = ""
    definition: str = ""
    designations: tuple[tuple[str, str, str], ...] = ()
    properties: tuple[tuple[str, str, str, int], ...] = ()
    inactive: bool = False
    abstract: bool = False
    status: str = ""
    member_of: tuple[str, ...] = ()
    extension: str = ""


class Release(Protocol):
    """One version of a code system, in the files of its publisher. Both walks can be taken more
    than once. Raises Invalid where the files are not what their format says, with file and line."""

    @property
    def header(self) -> Tree:
        """The CodeSystem resource without its concepts."""

    def hierarchy(self) -> Iterator[tuple[str, Iterable[str]]]:
        """Every code, with codes right above it; a code may come again with further ones."""

    def facts(self) -> Iterator[Fact]:
        """What is said of them."""


def refused(file: str, line: int, text: str) -> Invalid:
    """What to raise where a file is not as it should be."""
    return Invalid(f"{file}, line {line}: {text}" if line else f"{file}: {text}")
