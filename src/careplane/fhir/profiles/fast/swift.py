"""The door of the fast path: from a struct and its bytes to "surely no error", or "look closer"."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from careplane.fhir.fhirpath import Environment, Node
from careplane.fhir.fhirpath.errors import EvaluationError
from careplane.fhir.profiles.contexts import misplaced
from careplane.fhir.profiles.fast.around import Answered, Around
from careplane.fhir.profiles.fast.base import asked
from careplane.fhir.profiles.fast.rules import Kept, RuleWriter
from careplane.fhir.profiles.implied import vital_sign
from careplane.fhir.profiles.library import Library
from careplane.fhir.profiles.rules import Rule
from careplane.fhir.structs import Struct, decoder
from careplane.fhir.validation import type_of
from careplane.kernel.errors import Invalid

_FAILS = (LookupError, TypeError, ValueError, AttributeError, ArithmeticError, EvaluationError)
_EXTENSION = b'xtension"'
_SIBLING = b'"_'
_DEFINING = frozenset({"StructureDefinition", "ValueSet", "ConceptMap"})
"""What defines is held against what it is made from, which only the slow path does."""
_HOLDERS = frozenset({"Bundle", "Parameters"})


class Swift:
    """The compiled functions over one library. Good where displays are no errors and references
    that lead outside are ignored (see `ports.Options`)."""

    def __init__(self, library: Library) -> None:
        self._library = library
        self._kept: dict[tuple[str, str], Kept | None] = {}
        self._extensions: dict[tuple[str, str], Kept | None] = {}

    def surely(
        self,
        raw: bytes,
        struct: Struct,
        known: Answered,
        profiles: Sequence[str] = (),
    ) -> bool:
        """Whether a resource that base validation accepted has surely no error by the profiles it
        claims, those given, and the codes that are known to be good."""
        try:
            if type(struct).__name__ == "Bundle":
                return self._bundle(struct, known, profiles)
            return self._resource(raw, struct, Around(known), profiles)
        except (*_FAILS, msgspec.MsgspecError, RecursionError):
            return False

    def _resource(self, raw: bytes, struct: Any, around: Around, profiles: Sequence[str]) -> bool:
        if _SIBLING in raw:
            return False
        name = type(struct).__name__
        if name in _DEFINING:
            return False
        extended = _EXTENSION in raw
        if not asked(name, extended)(struct, around):
            return False
        if extended and not self._extended(struct, name, around):
            return False
        meta = struct.meta
        claimed = meta.profile if meta is not None else None
        if name == "Observation":
            coding = struct.code.coding if struct.code is not None else None
            required = vital_sign((c.system, c.code) for c in coding or ())
            if required is not None:
                profiles = (*profiles, required)
        for url in (*profiles, *(claimed or ())):
            kept = self._program(url, name)
            if kept is not None and not kept(struct, around):
                return False
        return True

    def _program(self, url: str, name: str) -> Kept | None:
        """The function of a profile, made once."""
        key = (url, name)
        return self._kept[key] if key in self._kept else self._compiled(url, name)

    def _compiled(self, url: str, name: str) -> Kept | None:
        """The function of a profile; None for one that nobody knows, which is no error of the
        resource."""
        kept: Kept | None = _closer
        try:
            program = self._library.program(url)
            if program is None:
                kept = None
            elif program.type in (name, "DomainResource", "Resource"):
                kept = RuleWriter(self._library).function(program.root, name)
        except (Invalid, RecursionError):
            kept = _closer
        self._kept[url, name] = kept
        return kept

    def _extended(self, struct: Any, name: str, around: Around) -> bool:
        if getattr(struct, "modifierExtension", None) is not None:
            return False
        for one in getattr(struct, "extension", None) or ():
            key = (name, one.url)
            if key not in self._extensions:
                self._extensions[key] = self._defined(name, one.url)
            kept = self._extensions[key]
            if kept is None or not kept(one, around) or not _parts(one, around):
                return False
        return True

    def _defined(self, host: str, url: str) -> Kept | None:
        """The function of an extension on a type of resource; None where its definition is not
        known, or says more than can be told here."""
        try:
            program = self._library.program(url)
            if program is None or program.type != "Extension" or "|" in url:
                return None
            if program.definition.get("contextInvariant") or self._modifies(url):
                return None
            if misplaced(Node({"resourceType": host}, host), program.definition, Environment()):
                return None
            listed = _listed(program.root)
            kept = RuleWriter(self._library).function(program.root, "Extension")
        except (Invalid, RecursionError):
            return None

        def whole(extension: Any, around: Around) -> bool:
            inner = extension.extension
            return (inner is None or all(one.url in listed for one in inner)) and kept(
                extension, around
            )

        return whole

    def _modifies(self, url: str) -> bool:
        tree = self._library.snapshots.of(url)
        return tree is None or tree.definition.get("isModifier") is True

    def _bundle(self, bundle: Any, known: Answered, profiles: Sequence[str]) -> bool:
        """A Bundle without profiles of its own: each entry surely has no error, and refers to
        entries that claim what is asked of them."""
        if profiles or bundle.meta is not None or bundle.identifier is not None:
            return False
        if bundle.signature is not None:
            return False
        inside: dict[str, tuple[str, frozenset[str]]] = {}
        resources = []
        for entry in bundle.entry or ():
            found = _entry(entry)
            if found is None or found[0] in inside:
                return False
            url, _, struct = found
            meta = struct.meta
            claims = meta.profile if meta is not None else None
            inside[url] = (type(struct).__name__, frozenset(claims or ()))
            resources.append(found)
        return all(
            self._resource(raw, struct, Around(known, inside, _base(url, struct)), ())
            for url, raw, struct in resources
        )


def _entry(entry: Any) -> tuple[str, bytes, Any] | None:
    """fullUrl, bytes and struct of an entry; None for one that wants a closer look."""
    url, resource, answer = entry.fullUrl, entry.resource, entry.response
    if url is None or ":" not in url or resource is None:
        return None
    if entry.extension is not None or entry.modifierExtension is not None:
        return None
    if answer is not None and answer.outcome is not None:
        return None
    raw = bytes(resource)
    name = type_of(raw)
    if name is None or name in _HOLDERS:
        return None
    return url, raw, decoder(name).decode(raw)


def _base(url: str, struct: Any) -> str:
    """What the relative references of an entry go on from."""
    end = f"{type(struct).__name__}/{struct.id}"
    return url.removesuffix(end) if url.startswith("http") and url.endswith(f"/{end}") else ""


def _parts(extension: Any, around: Around) -> bool:
    """Codes and references in an extension, and in those inside of it."""
    inner = extension.extension
    return asked("Extension", True)(extension, around) and (
        inner is None or all(_parts(one, around) for one in inner)
    )


def _listed(rule: Rule) -> frozenset[str]:
    """The parts of a complex extension."""
    holder = rule.children.get("extension")
    found = set()
    for one in holder.slices if holder is not None else ():
        stated = one.children.get("url")
        fixed = stated.fixed if stated is not None else None
        found.add(str(fixed if fixed is not None else one.slice_name))
    return frozenset(found)


def _closer(struct: Any, around: Around) -> bool:
    return False
