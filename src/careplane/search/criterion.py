"""One criterion of a search, `parameter:modifier=value,value`, and what it is read with."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple, TypeAlias

from msgspec import Struct

from careplane.fhir.analytes import Masses, built_in
from careplane.kernel.errors import (
    CareplaneError,
    Forbidden,
    Incorrect,
    Invalid,
    Issue,
    Unsupported,
)
from careplane.search.code_sets import CodeSets, R4CodeSets
from careplane.search.plan import Node
from careplane.search.registry import Parameter, Registry

_R4: CodeSets = R4CodeSets()


class UnknownParameter(Incorrect):
    """No such search parameter; under lenient handling it is left out and named in the answer."""

    code = "not-supported"


class Setting(Struct, frozen=True):
    """What a search is read with. `base` is this server's address, such as `https://a.b/fhir`, by
    which absolute references to its own resources are known; `now`, in microseconds since 1970,
    is what `ap` measures dates against. `masses` knows what a mole of an analyte weighs, for those
    that are searched for in another dimension."""

    registry: Registry
    base: str = ""
    now: int = 0
    code_sets: CodeSets = _R4
    masses: Callable[[], Masses] = built_in


class Criterion(NamedTuple):
    """`values` are the alternatives, still escaped; `key` is what the client wrote, for errors."""

    parameter: Parameter
    modifier: str
    values: tuple[str, ...]
    key: str
    setting: Setting

    def with_part(self, parameter: Parameter, value: str) -> Criterion:
        """The same for one component of a composite."""
        return self._replace(parameter=parameter, modifier="", values=(value,))

    def invalid(self, text: str) -> Invalid:
        """An error about the value; it never quotes it."""
        return invalid(self.key, text)

    def unsupported(self, text: str) -> Unsupported:
        """An error about something that is right and not offered."""
        return unsupported(self.key, text)


Build: TypeAlias = Callable[[Criterion], Node]
Modifiers: TypeAlias = Mapping[str, Build]
"""Modifier, `""` for none and `[type]` for the name of a type, to what makes the node."""


def invalid(key: str, text: str) -> Invalid:
    """The value of a parameter is not what it must be."""
    text = f"{shown(key)}: {text}"
    return Invalid(text, issues=(Issue("error", "value", text, shown(key)),))


def unsupported(key: str, text: str) -> Unsupported:
    """A parameter, modifier or value that this server does not offer."""
    text = f"{shown(key)}: {text}"
    return Unsupported(text, issues=(Issue("error", "not-supported", text, shown(key)),))


def unknown(key: str, text: str) -> UnknownParameter:
    """No such parameter."""
    text = f"{shown(key)}: {text}"
    return UnknownParameter(text, issues=(Issue("error", "not-supported", text, shown(key)),))


def missing(setting: Setting, key: str, type: str, code: str, text: str) -> CareplaneError:
    """What to raise where a lookup has found nothing. What is hidden from a caller is refused under
    lenient handling too: left out, it would leave others among what is found."""
    if not setting.registry.hides(type, code):
        return unknown(key, text)
    text = f"{shown(key)}: this reads what is hidden from this caller"
    return Forbidden(text, issues=(Issue("error", "forbidden", text, shown(key)),))


def shown(key: str) -> str:
    """As much of a parameter's name as an answer repeats."""
    return key if len(key) <= 100 else key[:97] + "..."
