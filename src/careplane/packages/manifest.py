"""`package.json`, the manifest of a package, as far as a server needs it (FHIR NPM packages)."""

from __future__ import annotations

import re
from typing import Any

import msgspec
from msgspec import Struct

from careplane.fhir.codec import json
from careplane.kernel.errors import Incorrect
from careplane.packages.versions import check_range

MOST_BYTES = 1 << 20
MOST_DEPENDENCIES = 200
CORE, CORE_VERSION = "hl7.fhir.r4.core", "4.0.1"
"""What R4 itself is as a package. It comes with the program."""

_NAME = re.compile(r"(?:@[a-z0-9._-]{1,60}/)?[A-Za-z0-9][A-Za-z0-9._-]{0,127}")
_LONGEST = 4_000
_TEXTS = ("title", "description", "canonical", "url", "license", "date", "type")
_ALIAS = re.compile(r"npm:(.+)@(.+)")


class Manifest(Struct, frozen=True, omit_defaults=True):
    """A package as it describes itself. `dependencies` are ranges by name."""

    name: str
    version: str
    title: str = ""
    description: str = ""
    canonical: str = ""
    url: str = ""
    license: str = ""
    author: str = ""
    date: str = ""
    type: str = ""
    fhir_versions: tuple[str, ...] = ()
    dependencies: dict[str, str] = {}


def read(raw: bytes) -> Manifest:
    """The manifest. Raises Incorrect, which says what is wrong with it, also for a package of
    another version of FHIR."""
    tree = json.parse(raw)
    name, version = _text(tree, "name"), _text(tree, "version")
    check_name(name)
    if not version:
        raise Incorrect("The manifest package/package.json names no version.")
    check_range(version)
    manifest = Manifest(
        name,
        version,
        author=_author(tree.get("author")),
        fhir_versions=_versions(tree),
        dependencies=_dependencies(tree.get("dependencies")),
        **{key: _text(tree, key) for key in _TEXTS},
    )
    others = manifest.fhir_versions
    if others and not any(one.startswith("4.0") for one in others):
        raise Incorrect(
            f"{name} {version} is for FHIR {', '.join(others)[:60]}, and this server speaks R4 "
            "(4.0.1). Use the edition of the package for R4, if there is one."
        )
    return manifest


def check_name(name: str) -> str:
    """The name, if a package may have it. Raises Incorrect."""
    if not _NAME.fullmatch(name):
        raise Incorrect(f"{name[:40]!r} is no name of a package, such as hl7.fhir.us.core.")
    return name


def dump(manifest: Manifest) -> bytes:
    """As it is stored."""
    return msgspec.json.encode(manifest)


def load(raw: bytes) -> Manifest:
    """As it was stored."""
    return msgspec.json.decode(raw, type=Manifest)


def _text(tree: dict[str, Any], name: str) -> str:
    value = tree.get(name)
    return value[:_LONGEST] if isinstance(value, str) else ""


def _author(value: Any) -> str:
    return (
        value[:_LONGEST]
        if isinstance(value, str)
        else _text(value, "name")
        if isinstance(value, dict)
        else ""
    )


def _versions(tree: dict[str, Any]) -> tuple[str, ...]:
    found = tree.get("fhirVersions") or tree.get("fhir-version-list") or []
    listed = found if isinstance(found, list) else [found]
    return tuple(str(one)[:20] for one in listed[:20])


def _dependencies(value: Any) -> dict[str, str]:
    if not isinstance(value, dict):
        return {}
    if len(value) > MOST_DEPENDENCIES:
        raise Incorrect(f"The package depends on more than {MOST_DEPENDENCIES} others.")
    found = {}
    for name, wanted in value.items():
        alias = _ALIAS.fullmatch(str(wanted))
        name, wanted = (alias[1], alias[2]) if alias else (name, str(wanted))
        found[check_name(name)] = check_range(wanted)
    return found
