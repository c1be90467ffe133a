"""What is held against profiles when it is written, by type: `*=warn,Observation=enforce`, and with
the profiles that every resource of a type must conform to: `Patient=enforce:http://…/us-core-patient`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from enum import StrEnum
from functools import lru_cache

from msgspec import Struct

from careplane.fhir.definitions import is_resource
from careplane.kernel.errors import Incorrect

_MOST = 10_000
_ALL = "*"
_CANONICAL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:[^\s|,]+(?:\|[^\s|,]+)?")


class Mode(StrEnum):
    """What comes of a resource that does not conform: nothing, warnings, or a refusal."""

    OFF = "off"
    WARN = "warn"
    ENFORCE = "enforce"


class Rule(Struct, frozen=True):
    """Of one type. `profiles` are asked of every resource of it, beside those that it claims."""

    mode: Mode
    profiles: tuple[str, ...] = ()


OFF = Rule(Mode.OFF)


class Policy(Struct, frozen=True):
    """Rules by type, and that for all others."""

    rules: Mapping[str, Rule] = {}
    others: Rule = OFF

    def of(self, type: str) -> Rule:
        """The rule of a type."""
        return self.rules.get(type, self.others)


@lru_cache(256)
def parse(text: str) -> Policy:
    """Entries `type=mode` with commas between them, where a type is a resource type or `*`, and a
    mode may be followed by `:` and canonical URLs with spaces between them. Raises Incorrect."""
    if len(text) > _MOST:
        raise Incorrect(f"A policy of profiles has {_MOST} characters at most.")
    rules: dict[str, Rule] = {}
    for entry in filter(str.strip, text.split(",")):
        type, equals, rest = entry.strip().partition("=")
        mode, _, profiles = rest.partition(":")
        if not equals or not (type == _ALL or is_resource(type)):
            raise Incorrect(f"{entry.strip()[:80]!r} begins with a resource type or *, then '='.")
        if type in rules:
            raise Incorrect(f"{type} stands twice in the policy of profiles.")
        if mode not in list(Mode):
            raise Incorrect(f"{mode[:40]!r} is no mode: use {', '.join(Mode)}.")
        rules[type] = Rule(Mode(mode), _profiles(type, profiles))
    return Policy(rules, rules.pop(_ALL, OFF))


def _profiles(type: str, text: str) -> tuple[str, ...]:
    found = tuple(text.split())
    if found and type == _ALL:
        raise Incorrect("Profiles are declared for a type, not for *.")
    for one in found:
        if not _CANONICAL.fullmatch(one):
            raise Incorrect(f"{one[:80]!r} is no canonical URL, such as http://a.test/x|1.0.0.")
    return found
