"""Arguments that several tools take, as types."""

from __future__ import annotations

from typing import Annotated, Any

from msgspec import Meta

Type = Annotated[
    str, Meta(description="Resource type of FHIR R4, such as Observation.", max_length=64)
]
Id = Annotated[str, Meta(description="Logical id of the resource.", max_length=64, min_length=1)]
Element = Annotated[str, Meta(max_length=128, min_length=1)]
Elements = Annotated[
    tuple[Element, ...],
    Meta(
        description='Top-level elements to show, such as ["code", "valueQuantity"]; what a '
        "resource must have is shown always. Empty: all of them.",
        max_length=50,
    ),
]
Cursor = Annotated[
    str,
    Meta(
        description="'next' of the answer before, for what follows it; everything else is left out "
        "then.",
        max_length=20_000,
    ),
]
Resource = Annotated[
    dict[str, Any], Meta(description="A FHIR R4 resource as JSON, with its resourceType.")
]
