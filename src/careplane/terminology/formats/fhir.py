"""A CodeSystem resource in JSON that is too large to be one among the records (FHIR R4, 4.8)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal
from functools import cached_property

import msgspec

from careplane.fhir.tree import Tree
from careplane.kernel.errors import Invalid
from careplane.terminology.concepts import Concept, Property
from careplane.terminology.loading.files import Files
from careplane.terminology.loading.release import Fact
from careplane.terminology.resource import about, concepts

_CONTENTS = ("complete", "fragment", "example")
_MOST = 1 << 30
"""Bytes of the resource: it is held in memory while it is loaded."""
_decode = msgspec.json.Decoder(float_hook=Decimal).decode


class Fhir:
    """The resource in one file. Option: `version`, in place of the one it has."""

    def __init__(self, files: Files, options: Mapping[str, str]) -> None:
        name = files.find("*.json")
        with files.open(name) as file:
            raw = file.read(_MOST + 1)
        if len(raw) > _MOST:
            raise Invalid(f"{name} has more than {_MOST >> 20} MB.")
        try:
            tree = _decode(raw)
        except msgspec.MsgspecError as error:
            raise Invalid(f"{name} is no JSON: {error}.") from error
        if not isinstance(tree, dict) or tree.get("resourceType") != "CodeSystem":
            raise Invalid(f"{name} is no CodeSystem.")
        if not tree.get("url") or tree.get("content") not in _CONTENTS:
            raise Invalid(f"{name} needs a url and its content: complete, fragment or example.")
        self._tree = {**tree, **({"version": options["version"]} if "version" in options else {})}

    @property
    def header(self) -> Tree:
        return about(self._tree).header

    def hierarchy(self) -> Iterator[tuple[str, Iterable[str]]]:
        for code, concept in self._concepts.items():
            yield code, [parent for parent in concept.parents if parent in self._concepts]

    def facts(self) -> Iterator[Fact]:
        for code, concept in self._concepts.items():
            yield Fact(
                code,
                concept.display,
                concept.definition,
                tuple((_json(d.use), d.language, d.value) for d in concept.designations),
                tuple(map(_said, concept.properties)),
                concept.inactive,
                concept.abstract,
                concept.status,
                extension=_json(concept.extension),
            )

    @cached_property
    def _concepts(self) -> dict[str, Concept]:
        return concepts(self._tree)


def _said(said: Property) -> tuple[str, str, str, int]:
    value = said.value
    if isinstance(value, bool):
        text = "true" if value else "false"
    else:
        text = _json(value) if isinstance(value, dict) else str(value)
    return said.code, said.type, text, 0


def _json(value: object) -> str:
    return msgspec.json.encode(value).decode() if value else ""
