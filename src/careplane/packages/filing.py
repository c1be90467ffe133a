"""From a file of a package to what is stored: the artifact without its narrative, what a list says
of it, and what it refers to."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from decimal import Decimal
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec
import zstandard
from msgspec import Struct

from careplane.fhir.codec import json
from careplane.fhir.definitions import is_resource
from careplane.fhir.definitions.describe import kind, uses
from careplane.fhir.tree import Tree
from careplane.kernel.errors import Malformed
from careplane.storage.ports.packages import Artifact

if TYPE_CHECKING:
    from careplane.packages.archive import File

_LEVEL = 9
_MOST_BYTES = 4 << 20
_MOST_ARTIFACTS = 200
_LONGEST = 300
_UNSTORED = ("text",)
_NO_URL = frozenset(("NamingSystem",))
_decoder = msgspec.json.Decoder(float_hook=Decimal)


class Header(Struct, frozen=True, array_like=True):
    """What a list says of an artifact. `of`: the type that a StructureDefinition is about. `kind`:
    see `describe.kind`. `size`: of its JSON, in bytes."""

    type: str
    url: str
    version: str
    id: str
    name: str
    title: str
    status: str
    of: str
    kind: str
    file: str
    size: int


class Skipped(NamedTuple):
    """A file that was not taken, and why."""

    file: str
    reason: str


def batches(files: Iterable[File], skipped: list[Skipped]) -> Iterator[list[Artifact]]:
    """The artifacts among the files, some at a time; files that cannot be read are noted. What has
    no canonical URL, an example say, is no artifact and is passed over."""
    batch: list[Artifact] = []
    size = 0
    for file in files:
        try:
            tree = json.parse(file.data)
        except Malformed as error:
            skipped.append(Skipped(file.name, error.text))
            continue
        if not _is_artifact(tree):
            continue
        artifact = filed(tree, file.name)
        batch.append(artifact)
        size += len(artifact.body)
        if len(batch) == _MOST_ARTIFACTS or size > _MOST_BYTES:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def filed(tree: Tree, file: str) -> Artifact:
    """An artifact as it is stored."""
    body = json.dump({name: value for name, value in tree.items() if name not in _UNSTORED})
    header = Header(
        tree["resourceType"],
        **{name: _text(tree, name) for name in ("url", "version", "id", "name", "title", "status")},
        of=_text(tree, "type"),
        kind=kind(tree)[:_LONGEST],
        file=file[:_LONGEST],
        size=len(body),
    )
    packed = zstandard.ZstdCompressor(level=_LEVEL).compress(body)
    return Artifact(msgspec.json.encode(header), packed, uses(tree))


def header(raw: bytes) -> Header:
    """The header as it was stored."""
    return msgspec.json.decode(raw, type=Header)


def tree(body: bytes) -> Tree:
    """The artifact as it was stored."""
    found: Tree = _decoder.decode(zstandard.decompress(body))
    return found


def _is_artifact(tree: Tree) -> bool:
    type = tree.get("resourceType")
    return (
        isinstance(type, str)
        and is_resource(type)
        and (isinstance(tree.get("url"), str) or type in _NO_URL)
    )


def _text(tree: dict[str, Any], name: str) -> str:
    value = tree.get(name)
    return value[:_LONGEST] if isinstance(value, str) else ""
