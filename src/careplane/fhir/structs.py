"""Resources as msgspec structs, for the hot paths: which struct a type has, and its decoder.

Attributes are FHIR JSON names (`valueQuantity`); a Python keyword gets a trailing underscore
(`class_`), the `_birthDate` sibling of a primitive is `birthDate_ext`, what is absent is None.
Resources inside of resources (`contained`, `Bundle.entry.resource`, ...) are `msgspec.Raw`.

Decoding alone does not validate: `fhir.validation.check` does, and hands out the struct.
"""

from __future__ import annotations

import keyword
from functools import cache
from importlib import import_module
from typing import TypeAlias

import msgspec

from careplane.fhir.definitions.types import is_resource
from careplane.fhir.generated.structs.primitives import Base

Struct: TypeAlias = Base
_PACKAGE = "careplane.fhir.generated.structs."


@cache
def struct(name: str) -> type[Base]:
    """The class of a resource, data type or backbone (`Observation`, `Quantity`,
    `Observation.component`). Raises KeyError for a name that has none."""
    owner = name.partition(".")[0]
    module = import_module(_PACKAGE + (owner.lower() if is_resource(owner) else "datatypes"))
    found = getattr(module, class_name(name), None)
    if found is None:
        raise KeyError(name)
    assert isinstance(found, type)
    return found


@cache
def decoder(name: str) -> msgspec.json.Decoder[Base]:
    """The decoder from bytes to the struct of a type, made once."""
    return msgspec.json.Decoder(struct(name))


class Head(msgspec.Struct):
    """What a resource inside of another is, and its id there; empty where it has none."""

    resourceType: str  # noqa: N815  (FHIR's name)
    id: str = ""


head = msgspec.json.Decoder(Head).decode
"""From the bytes of a resource inside of another."""


def class_name(name: str) -> str:
    """`Observation.referenceRange` -> `ObservationReferenceRange`."""
    return "".join(part[0].upper() + part[1:] for part in name.split("."))


def attribute(json_name: str) -> str:
    """The attribute for a JSON name: `class` -> `class_`, `_birthDate` -> `birthDate_ext`."""
    if json_name.startswith("_"):
        return f"{json_name[1:]}_ext"
    return f"{json_name}_" if keyword.iskeyword(json_name) else json_name
