"""Packages as tests make them: tar files in gzip, good ones and those that lie."""

from __future__ import annotations

import gzip
import io
import json
import tarfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

Json = dict[str, Any]


def manifest(
    name: str, version: str = "1.0.0", needs: Mapping[str, str] | None = None, **more: Any
) -> Json:
    """A `package.json`."""
    needs = {"hl7.fhir.r4.core": "4.0.1"} if needs is None else needs
    about = {"name": name, "version": version, "fhirVersions": ["4.0.1"]}
    return {**about, "dependencies": dict(needs), **more}


def packed(folder: Path, about: Json, *resources: Json) -> Path:
    """A package in a file."""
    files = {"package/package.json": about}
    files |= {f"package/{r['resourceType']}-{r['id']}.json": r for r in resources}
    members = [(name, json.dumps(content).encode()) for name, content in files.items()]
    path = folder / f"{about['name']}-{about['version']}.tgz"
    path.write_bytes(zipped(members))
    return path


def zipped(members: Sequence[tuple[str, bytes]]) -> bytes:
    """A tar file in gzip."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as archive:
        for name, data in members:
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return out.getvalue()


def raw_member(name: str, size: int, data: bytes = b"", type: bytes = b"0") -> bytes:
    """A tar header that may say anything, and what follows it, unpacked."""
    info = tarfile.TarInfo(name)
    info.type = type
    info.size = 0 if size > 8**11 else size
    block = bytearray(info.tobuf(tarfile.USTAR_FORMAT))
    if size > 8**11:
        block[124:136] = b"\x80" + size.to_bytes(11, "big")
        block[148:156] = b" " * 8
        block[148:156] = b"%06o\0 " % sum(block)
    return bytes(block) + data + bytes(-len(data) % 512)


def gzipped(*members: bytes) -> bytes:
    """Members in gzip, with the end of an archive."""
    return gzip.compress(b"".join(members) + bytes(1024))


def value_set(id: str, url: str = "", **more: Any) -> Json:
    """A ValueSet."""
    url = url or f"http://a.test/ValueSet/{id}"
    return {"resourceType": "ValueSet", "id": id, "url": url, "name": id, "status": "active"} | more


def profile(id: str, of: str = "Observation", **more: Any) -> Json:
    """A profile that says nothing more than its base."""
    base = f"http://hl7.org/fhir/StructureDefinition/{of}"
    return {
        "resourceType": "StructureDefinition",
        "id": id,
        "url": f"http://a.test/StructureDefinition/{id}",
        "name": id,
        "status": "active",
        "kind": "resource",
        "abstract": False,
        "type": of,
        "baseDefinition": base,
        "derivation": "constraint",
        "differential": {"element": [{"id": of, "path": of}]},
    } | more
