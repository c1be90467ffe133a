"""SMART scopes for FHIR resources, version 2 and 1 (SMART App Launch 2.2, 3.0.2).

scope       = context "/" type "." permissions [ "?" arguments ]
context     = "patient" | "user" | "system"
type        = "*" | a resource type
permissions = some of c r u d s, in this order;  v1: "read" | "write" | "*";  ours: "purge"
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal, cast

from careplane.fhir.definitions import RESOURCE_TYPES
from careplane.kernel.errors import Incorrect

Context = Literal["patient", "user", "system"]


class Permission(StrEnum):
    """What a scope allows: `r` is read, vread and instance history; `s` is search, type and
    system history. PURGE, to take a record away for good, is in no other: a scope names it alone,
    as in `system/Patient.purge`."""

    CREATE = "c"
    READ = "r"
    UPDATE = "u"
    DELETE = "d"
    SEARCH = "s"
    PURGE = "p"


@dataclass(frozen=True, slots=True)
class Scope:
    """One granted scope. `type` is None for `*`; `arguments` is a FHIR search query that resources
    must match besides, such as `category=laboratory`, or empty."""

    context: Context
    type: str | None
    permissions: frozenset[Permission]
    arguments: str = ""

    def __str__(self) -> str:
        letters = "".join(p for p in Permission if p in self.permissions)
        letters = "purge" if letters == Permission.PURGE else letters
        query = f"?{self.arguments}" if self.arguments else ""
        return f"{self.context}/{self.type or '*'}.{letters}{query}"


_SCOPE = re.compile(
    r"(?P<context>patient|user|system)/(?P<type>\*|[A-Z][A-Za-z]+)"
    r"\.(?P<permissions>c?r?u?d?s?|read|write|purge|\*)(?:\?(?P<arguments>\S+))?"
)
_NAMED = {"read": "rs", "write": "cud", "*": "cruds", "purge": "p"}
_TYPES = frozenset(RESOURCE_TYPES)


def parse_scope(text: str) -> Scope:
    """One scope, or `Incorrect` saying what is wrong with it."""
    found = _SCOPE.fullmatch(text)
    if not found or not found["permissions"]:
        raise Incorrect(
            f"{text!r} is not a SMART scope; write one such as system/*.cruds or "
            "user/Observation.rs?category=laboratory."
        )
    if found["type"] != "*" and found["type"] not in _TYPES:
        raise Incorrect(f"The scope {text!r} names {found['type']!r}, no FHIR R4 resource type.")
    letters = _NAMED.get(found["permissions"], found["permissions"])
    return Scope(
        context=cast(Context, found["context"]),
        type=None if found["type"] == "*" else found["type"],
        permissions=frozenset(map(Permission, letters)),
        arguments=found["arguments"] or "",
    )


def parse_scopes(text: str) -> frozenset[Scope]:
    """A space-separated list of scopes."""
    return frozenset(map(parse_scope, text.split()))
