"""FHIR operations (R4, 3.2): what one is, whoever offers it; and how its parameters arrive.

A feature hands its `Operation` values to `app.build`, which gives them to the server: this room
knows no feature.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from functools import cache

from careplane.fhir.codec import json
from careplane.fhir.definitions import (
    OperationDef,
    OperationParameter,
    is_primitive,
    operations,
)
from careplane.fhir.tree import Tree
from careplane.kernel.errors import Incorrect, Invalid, Issue
from careplane.rest.request import Request
from careplane.rest.response import Response
from careplane.rest.service import Service


@dataclass(frozen=True, slots=True)
class Call:
    """One call: where it was made, and with what. `resource` is a body that is a resource and no
    Parameters; `values` are by name, as text or trees; one with parts has the list of these."""

    service: Service
    request: Request
    type: str | None = None
    id: str | None = None
    values: tuple[tuple[str, object], ...] = ()
    resource: bytes = b""

    def all(self, name: str) -> list[object]:
        """Every value of a parameter."""
        return [value for key, value in self.values if key == name]

    def text(self, name: str) -> str | None:
        """The one value of a parameter, as text."""
        found = self.all(name)
        if len(found) > 1:
            raise _wrong(name, "may be there once only")
        if not found:
            return None
        if isinstance(found[0], bool) or not isinstance(found[0], str | int):
            raise _wrong(name, "is not of a type that can be read")
        return str(found[0])

    def flag(self, name: str) -> bool:
        """The one value of a boolean parameter; false where it is not there."""
        found = self.all(name)
        if len(found) > 1 or any(value not in (True, False, "true", "false") for value in found):
            raise _wrong(name, "is true or false, once")
        return found in ([True], ["true"])

    def tree(self, name: str) -> Tree | None:
        """The one value of a parameter, as a resource or data type."""
        found = self.all(name)
        if len(found) > 1:
            raise _wrong(name, "may be there once only")
        if found and not isinstance(found[0], dict):
            raise _wrong(name, "is not of the right type")
        return found[0] if found and isinstance(found[0], dict) else None

    def refuse_others(self, *known: str) -> None:
        """No parameter is dropped in silence."""
        for name, _ in self.values:
            if name not in known:
                raise _wrong(name, "is not a parameter of this operation")


_OURS = "https://github.com/careplane/careplane/OperationDefinition/"
_CONTENT = ("resource", "part")
Handler = Callable[[Call], Awaitable[Response]]


@dataclass(frozen=True, slots=True)
class Operation:
    """An operation with its definition as data. `types` limits which types offer it; the levels
    are those of the definition, less what is in `without`; `writes` where it changes something and
    its definition does not say so; `later` where it may take long, so that it is also carried out
    after the answer (`Prefer: respond-async`). Bodies of the media types in `bodies` are no
    resources: they are handed over as they came, in `Call.resource`. `answers` is the media type of
    an answer that is no resource, `statuses` those of a call that went well; `of_version` where it
    can be called on one version too. `bundled` are statuses of a refusal whose OperationOutcome
    stands in a Bundle, as some implementation guides have it."""

    definition: OperationDef
    handler: Handler = field(compare=False)
    types: frozenset[str] | None = None
    without: frozenset[str] = frozenset()
    bodies: frozenset[str] = frozenset()
    answers: str = ""
    statuses: tuple[int, ...] = (200,)
    writes: bool = False
    later: bool = False
    of_version: bool = False
    bundled: tuple[int, ...] = ()

    @property
    def changes(self) -> bool:
        """Whether a call may change something."""
        return self.writes or self.definition.affects_state

    @property
    def name(self) -> str:
        """Its code, without the `$`."""
        return self.definition.code

    @property
    def levels(self) -> frozenset[str]:
        """Of `system`, `type`, `instance`."""
        d = self.definition
        offered = {"system": d.system, "type": d.type, "instance": d.instance}
        return frozenset(level for level, there in offered.items() if there) - self.without

    @property
    def by_get(self) -> bool:
        """Whether GET may call it: it changes nothing, and what it needs fits into an address (R4,
        3.2.0.1)."""
        needed = (p for p in self.definition.parameters if p.use == "in" and p.min)
        return not self.changes and all(is_primitive(p.type) for p in needed)

    def serves(self, level: str, type: str | None) -> bool:
        """Whether it can be called there."""
        offered = self.of_version if level == "version" else level in self.levels
        return offered and (type is None or self.types is None or type in self.types)


@cache
def definition(id: str) -> OperationDef:
    """An operation of R4 by the id of its definition, such as `Patient-everything`."""
    return next(d for d in operations() if d.id == id)


def our_definition(
    code: str,
    *,
    system: bool = False,
    type: bool = False,
    instance: bool = False,
    affects_state: bool = False,
    parameters: Sequence[str] = (),
) -> OperationDef:
    """An operation that R4 does not have; its parameters are strings."""
    taken = tuple(OperationParameter(n, "in", 0, 1, "string", "", (), ()) for n in parameters)
    return OperationDef(
        f"careplane-{code}", code, (), system, type, instance, affects_state, taken, _OURS + code
    )


def values_of(raw: bytes) -> tuple[tuple[tuple[str, object], ...], bytes]:
    """The parameters in a body that is a Parameters resource, or else the resource itself."""
    tree = json.parse(raw)
    if tree.get("resourceType") != "Parameters":
        return (), raw
    found = tree.get("parameter", [])
    if not isinstance(found, list) or not all(isinstance(p, dict) for p in found):
        raise Invalid("Parameters.parameter must be a list of objects.")
    return tuple(_value(parameter) for parameter in found), b""


def _value(parameter: Tree) -> tuple[str, object]:
    name = parameter.get("name")
    values = [v for key, v in parameter.items() if key in _CONTENT or key.startswith("value")]
    if not isinstance(name, str) or len(values) != 1:
        text = "Each parameter needs a name, and a value, a resource or parts."
        raise Invalid(text, issues=(Issue("error", "structure", text, "Parameters.parameter"),))
    return name, values[0]


def _wrong(name: str, text: str) -> Incorrect:
    return Incorrect(f"The parameter {name[:64]!r} {text}.")
