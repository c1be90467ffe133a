"""Content negotiation: which form an answer takes (FHIR R4, 3.1.0.1.10 and 2.6.2; RFC 9110, 12).

`_format` overrules Accept. JSON where a client does not mind.
"""

from __future__ import annotations

from enum import Enum
from functools import lru_cache

from msgspec import Struct

from careplane.kernel.errors import NotAcceptable, UnsupportedMedia


class Form(Enum):
    """A representation of resources, with its media type."""

    JSON = "application/fhir+json"
    XML = "application/fhir+xml"


_NAMES: dict[str, Form] = {
    "json": Form.JSON,
    "application/fhir+json": Form.JSON,
    "application/json": Form.JSON,
    "text/json": Form.JSON,
    "application/json+fhir": Form.JSON,
    "xml": Form.XML,
    "application/fhir+xml": Form.XML,
    "application/xml": Form.XML,
    "text/xml": Form.XML,
    "application/xml+fhir": Form.XML,
}
_WILD = {"*/*": Form.JSON, "application/*": Form.JSON, "text/*": Form.JSON}
_LONGEST = 2000
_OFFERED = "Offered are application/fhir+json and application/fhir+xml."


class Style(Struct, frozen=True):
    """How an answer is written."""

    form: Form = Form.JSON
    pretty: bool = False


@lru_cache(maxsize=512)
def negotiate(accept: str, format: str | None, pretty: str | None) -> Style:
    """The style for an Accept header, `_format` and `_pretty`. Raises NotAcceptable."""
    form = _by_format(format) if format else _by_accept(accept)
    return Style(form, pretty == "true")


def _by_format(text: str) -> Form:
    # A `+` that was not percent-encoded arrives as a space.
    name = text.partition(";")[0].strip().lower().replace(" ", "+")
    if name in _NAMES:
        return _NAMES[name]
    raise NotAcceptable(f"_format is not offered. {_OFFERED}")


def _by_accept(text: str) -> Form:
    if not text.strip():
        return Form.JSON
    best: tuple[float, int, Form] | None = None
    refused: set[Form] = set()
    for position, part in enumerate(text[:_LONGEST].split(",")):
        name, quality = _weighed(part)
        form = _NAMES.get(name)
        if form is not None and quality == 0:
            refused.add(form)
        form = form or _WILD.get(name)
        # The higher quality first, then what stands earlier.
        if form and quality > 0 and (best is None or (quality, -position) > best[:2]):
            best = (quality, -position, form)
    if best and best[2] in refused and len(refused) == 1:
        return Form.XML if Form.JSON in refused else Form.JSON
    if best is None or best[2] in refused:
        raise NotAcceptable(f"Nothing that Accept names is offered. {_OFFERED}")
    return best[2]


def _weighed(part: str) -> tuple[str, float]:
    name, *parameters = part.split(";")
    quality = 1.0
    for parameter in parameters:
        key, _, value = parameter.partition("=")
        if key.strip().lower() == "q":
            try:
                quality = min(max(float(value), 0.0), 1.0)
            except ValueError:
                quality = 0.0
    return name.strip().lower(), quality if quality == quality else 0.0


@lru_cache(maxsize=512)
def media_type(content_type: str) -> str:
    """The media type of a body, lower case, its character set checked."""
    name, *parameters = content_type.split(";")
    for parameter in parameters:
        key, _, value = parameter.partition("=")
        if key.strip().lower() == "charset":
            charset = value.strip().strip('"').lower()
            if charset not in ("utf-8", "utf8", "us-ascii"):
                raise UnsupportedMedia("Only the character set UTF-8 is read.")
    return name.strip().lower()


def form_of(media: str) -> Form:
    """The form of a body by its media type, or UnsupportedMedia."""
    if "/" in media and media in _NAMES:
        return _NAMES[media]
    what = (
        f"Bodies of type {media[:80]!r} are not read here." if media else "Content-Type is missing."
    )
    raise UnsupportedMedia(f"{what} Send application/fhir+json or application/fhir+xml.")
