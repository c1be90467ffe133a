"""Resources to bytes and back, with every digit; names and parameters for addresses."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any, TypeAlias, TypeVar

import msgspec

from careplane.fhir import structs
from careplane.fhir.definitions import is_resource
from careplane.fhir.structs import Struct
from careplane.kernel.errors import Incorrect, Invalid, Malformed

R = TypeVar("R", bound=Struct)
Value: TypeAlias = str | int | Decimal | bool | Iterable[str]
Parameters: TypeAlias = Mapping[str, Value]
Pairs: TypeAlias = list[tuple[str, str]]

_encoder = msgspec.json.Encoder(decimal_format="number")


class _Typed(msgspec.Struct):
    resourceType: str  # noqa: N815  # the name in FHIR JSON


_typed = msgspec.json.Decoder(_Typed)


def name(type: type[Struct]) -> str:
    """`Patient` for the class Patient. Raises Incorrect for a class that is no resource."""
    tag = type.__struct_config__.tag
    if not isinstance(tag, str) or not is_resource(tag):
        raise Incorrect(f"{type.__name__} is no resource type.")
    return tag


def encode(resource: Struct) -> bytes:
    """The JSON of a resource."""
    return _encoder.encode(resource)


def decode(type: type[R], raw: bytes) -> R:
    """The resource in an answer. Raises Invalid for what is another one, or none."""
    found = decode_any(raw)
    if not isinstance(found, type):
        raise Invalid(f"The server sent {structs.class_name(found.__class__.__name__)}, "
                      f"and {type.__name__} was asked for.")  # fmt: skip
    return found


def decode_any(raw: bytes) -> Struct:
    """A resource of whatever type it says that it is."""
    try:
        kind = _typed.decode(raw).resourceType
        if not is_resource(kind):
            raise Invalid("The server sent a resource of a type that R4 does not have.")
        return structs.decoder(kind).decode(raw)
    except msgspec.ValidationError as error:
        raise Invalid(f"The server sent what R4 does not have: {error}") from None
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise Malformed("The server sent no FHIR JSON.") from None


def pairs(given: Parameters | None, more: Mapping[str, Any] | None = None) -> Pairs:
    """Parameters for an address: a list is the same parameter several times (all must hold).
    In keywords an inner underscore stands for a hyphen: `value_quantity`."""
    named = {_hyphens(key): value for key, value in (more or {}).items() if value is not None}
    return [
        (key, text) for key, value in {**(given or {}), **named}.items() for text in _texts(value)
    ]


def _hyphens(key: str) -> str:
    return key[:1] + key[1:].replace("_", "-")


def _texts(value: Value) -> list[str]:
    if isinstance(value, bool):
        return ["true" if value else "false"]
    if isinstance(value, str | int | Decimal):
        return [str(value)]
    return [str(each) for each in value]
