"""What an extraction makes: resources with ids that are the same each time."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Final

from careplane.fhir.tree import Tree

_LENGTH: Final = 32
ANSWER: Final = "urn:careplane:form-answer"
"""The system of the identifier by which an Observation names the answer that it came from."""


@dataclass(frozen=True, slots=True)
class Made:
    """A resource of an extraction. `is_update` where it changes one that is there; its `tree` is
    then what it shall have besides."""

    type: str
    id: str
    tree: Tree
    is_update: bool = False

    @property
    def key(self) -> tuple[str, str]:
        return self.type, self.id


def id_of(response: str, type: str, place: str) -> str:
    """The id of what is made of one place of one response: an extraction that is done again makes
    the same resource, not another."""
    return hashlib.sha256(f"{response}\n{type}\n{place}".encode()).hexdigest()[:_LENGTH]
