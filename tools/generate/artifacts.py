"""`core.bin`: the conformance resources whole, as `fhir/definitions/core.py` reads them."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

import zstandard

from careplane.fhir.definitions import core
from careplane.fhir.definitions.describe import kind, uses
from tools.generate.source import Json, Package

Key = tuple[str, str]
Contents = dict[Key, tuple[bytes, tuple[str, ...], tuple[Key, ...]]]
"""By type and URL: the JSON of an artifact, what the index says of it, and who refers to it."""
BLOCK = 1 << 20
"""Bytes of JSON that are compressed together: half the size of artifacts each by itself, and
expanded in a fraction of a millisecond."""
LEVEL = 19


def artifacts(package: Package) -> dict[Key, Json]:
    """Type and URL -> the resource without narrative and mappings, in the order of the file."""
    return {
        (type, str(url)): slim(resource)
        for type in core.TYPES
        for url, resource in package[type].items()
    }


def slim(resource: Json) -> Json:
    """The resource without its narrative and its mappings to other standards."""
    kept = {name: value for name, value in resource.items() if name not in ("text", "mapping")}
    for view in ("snapshot", "differential"):
        if view in kept:
            rows = kept[view]["element"]
            kept[view] = {"element": [{k: v for k, v in r.items() if k != "mapping"} for r in rows]}
    return kept


def write(target: Path, found: dict[Key, Json]) -> bool:
    """Write the file unless the present one says the same; whether it was written.

    What counts is the content: another version of the compressor makes other bytes.
    """
    if target.is_file() and contents(target) == expected(found):
        return False
    target.write_bytes(packed(found))
    return True


def contents(target: Path) -> Contents:
    """What a file of artifacts holds; nothing for a file of another form."""
    try:
        file = core.Artifacts(target)
        return {
            (type, url): (file.raw(place), _said(place), tuple(file.used_by(url)))
            for type, group in file.index.items()
            for url, place in group.items()
        }
    except (RuntimeError, TypeError, AttributeError):
        return {}


def _said(place: core.Place) -> tuple[str, ...]:
    return (place.version, place.name, place.title, place.status, place.of, place.kind)


def expected(found: dict[Key, Json]) -> Contents:
    """What a file of these artifacts holds."""
    keys, users = list(found), _users(found)
    return {
        (type, url): (as_json(r), _about(r), tuple(keys[n] for n in users.get(url, ())))
        for (type, url), r in found.items()
    }


def packed(found: dict[Key, Json]) -> bytes:
    """The bytes of the file."""
    compressor = zstandard.ZstdCompressor(level=LEVEL)
    out = bytearray(core.MAGIC)
    rows: dict[str, list[list[object]]] = {}
    for block in _blocks(found):
        start, data = len(out), b"".join(line for _, line in block)
        out += compressor.compress(data)
        size, at = len(out) - start, 0
        for (type, url), line in block:
            about = _about(found[type, url])
            rows.setdefault(type, []).append([url, start, size, at, len(line), *about])
            at += len(line)
    index = compressor.compress(as_json(rows))
    table = compressor.compress(as_json(_users(found)))
    footer = core.FOOTER.pack(len(out), len(index), len(table))
    return bytes(out + index + table + footer)


def _blocks(found: dict[Key, Json]) -> Iterable[list[tuple[Key, bytes]]]:
    block: list[tuple[Key, bytes]] = []
    size = 0
    for key, resource in found.items():
        line = as_json(resource)
        if block and size + len(line) > BLOCK:
            yield block
            block, size = [], 0
        block.append((key, line))
        size += len(line)
    yield block


def _about(resource: Json) -> tuple[str, ...]:
    names = ("version", "name", "title", "status", "type")
    return (*(str(resource.get(name, "")) for name in names), kind(resource))


def _users(found: dict[Key, Json]) -> dict[str, list[int]]:
    table: dict[str, list[int]] = {}
    for number, resource in enumerate(found.values()):
        for used in uses(resource):
            table.setdefault(used, []).append(number)
    return dict(sorted(table.items()))


def as_json(value: object) -> bytes:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()
