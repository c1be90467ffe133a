"""The operations by name: from the parameters of a call to what it is answered with.

Every call has a library to look into, before which stand the resources that were sent along
(`tx-resource`, `valueSet`, `codeSystem`, `conceptMap`).
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from careplane.fhir.tree import Tree
from careplane.kernel.errors import Incorrect, Unsupported
from careplane.terminology.coded import Coded, Coding, coding_of, concept_of
from careplane.terminology.expand import Stamp, expand
from careplane.terminology.findings import Missing, refusal_of
from careplane.terminology.library import Library, Shelves
from careplane.terminology.lookup import lookup
from careplane.terminology.messages import say
from careplane.terminology.options import Options, Values, options
from careplane.terminology.related import related
from careplane.terminology.resources import KINDS, Resources
from careplane.terminology.scope import Scope
from careplane.terminology.subsumes import subsumes
from careplane.terminology.translate import Asked, the_map, translate
from careplane.terminology.validate import validate
from careplane.terminology.versions import joined, split

_NOT_OFFERED = ("context", "contextDirection", "date", "exclude-system")
_MOST = 1000
"""Codes of one batch."""


@dataclass(frozen=True, slots=True)
class Call:
    """`values` are the parameters by name; `instance` is the resource that was called, where one
    was. Resources that were sent along have been checked to be R4; `read` are the libraries that
    were made of them, for the calls of a batch to share."""

    library: Library
    values: Values
    instance: Tree | None = None
    accept_language: str = ""
    read: dict[tuple[int, ...], Library] = field(default_factory=dict, compare=False)

    def text(self, *names: str) -> str:
        """The one text of the first of these parameters that is there."""
        for name in names:
            found = [value for key, value in self.values if key == name]
            if len(found) > 1 or not all(isinstance(value, str) for value in found):
                raise Incorrect(f"The parameter {name!r} is a text, and may be there once only.")
            if found:
                return str(found[0])
        return ""

    def tree(self, *names: str) -> Tree | None:
        """The one tree of the first of these parameters that is there."""
        for name in names:
            found = [value for key, value in self.values if key == name]
            if len(found) > 1 or not all(isinstance(value, dict) for value in found):
                raise Incorrect(f"The parameter {name!r} may be there once only, as a structure.")
            if found and isinstance(found[0], dict):
                return found[0]
        return None

    def scope(self) -> Scope:
        """The library as this call sees it."""
        for name, _ in self.values:
            if name in _NOT_OFFERED:
                raise Unsupported(f"The parameter {name!r} is not offered; leave it out.")
        sent = [t for t in self.sent() if t.get("resourceType") in KINDS]
        if not sent:
            return Scope(self.library, self.options())
        key = tuple(map(id, sent))
        if key not in self.read:
            self.read[key] = Shelves(Resources(sent), self.library)
        return Scope(self.read[key], self.options())

    def options(self) -> Options:
        """What is wanted."""
        return options(self.values, self.accept_language)

    def sent(self) -> list[Tree]:
        """The resources that were sent along."""
        names = ("tx-resource", "codeSystem", "valueSet", "conceptMap")
        return [v for name, v in self.values if name in names and isinstance(v, dict)]


async def lookup_code(call: Call) -> Tree:
    """$lookup."""
    coding = _one(call, "coding", call.text("system"), call.text("version"))
    return await lookup(call.scope(), coding)


async def expand_value_set(call: Call, stamp: Stamp) -> Tree:
    """$expand."""
    scope = call.scope()
    return await expand(scope, await _value_set(call, scope), stamp)


async def validate_in_value_set(call: Call) -> Tree:
    """ValueSet/$validate-code."""
    scope = call.scope()
    coded = _coded(call, call.text("system"), call.text("systemVersion"))
    return await validate(scope, coded, await _value_set(call, scope))


async def validate_in_code_system(call: Call) -> Tree:
    """CodeSystem/$validate-code."""
    sent = call.tree("codeSystem") or call.instance or {}
    url, version = split(call.text("url", "system") or str(sent.get("url", "")))
    version = call.text("version", "systemVersion") or version
    coded = _coded(call, url, version)
    if url:
        coded = replace(coded, codings=tuple(_within(c, url, version) for c in coded.codings))
    return await validate(call.scope(), coded, None)


async def subsumes_code(call: Call) -> Tree:
    """$subsumes."""
    system = call.text("system") or str((call.instance or {}).get("url", ""))
    a, b = (_of_two(call, letter, system) for letter in "AB")
    found = await subsumes(call.scope(), a, b)
    return _parameters({"name": "outcome", "valueCode": found})


async def translate_code(call: Call) -> Tree:
    """$translate; with the names of R4, and those of R5 that mean the same."""
    scope = call.scope()
    reverse = call.text("targetCode") != "" or call.tree("targetCoding") is not None
    reverse = reverse or ("reverse", True) in call.values or ("reverse", "true") in call.values
    near, far = ("target", "source") if reverse else ("source", "target")
    coding = call.tree("coding", f"{near}Coding")
    concept = call.tree("codeableConcept", f"{near}CodeableConcept")
    system = call.text("system", f"{near}System")
    if coding is not None:
        codings: tuple[Coding, ...] = (coding_of(coding, "coding"),)
    elif concept is not None:
        codings = concept_of(concept).codings
    else:
        codings = (_plain(call, ("code", f"{near}Code"), system, call.text("version")),)
    asked = Asked(
        codings,
        call.text("targetsystem", f"{far}System"),
        call.text("source", "sourceScope"),
        call.text("target", "targetScope"),
        tuple(_dependencies(call)),
        reverse,
    )
    sent = call.tree("conceptMap") or call.instance
    url = call.text("url")
    if sent is None and url:
        sent = await the_map(scope, url, call.text("conceptMapVersion"))
    return await translate(scope, asked, [sent] if sent is not None else [])


async def related_value_sets(call: Call) -> Tree:
    """$related: `this` and `other` value set, by url or sent along."""
    scope = call.scope()
    trees = []
    for side in ("this", "other"):
        sent = call.tree(f"{side}ValueSet")
        if sent is None and side == "this":
            sent = call.instance
        if sent is None:
            sent = await _named_set(scope, call.text(f"{side}Url"), "")
        trees.append(sent)
    return await related(scope, *trees)


async def batch_validate(call: Call, in_value_set: bool) -> Tree:
    """$batch-validate-code: each `validation` is a call of its own, with the parameters of the
    whole as defaults. One that cannot be answered has its OperationOutcome in its place."""
    found: list[Tree] = []
    shared = [(name, value) for name, value in call.values if name != "validation"]
    parts = [value for name, value in call.values if name == "validation"]
    if len(parts) > _MOST:
        raise Incorrect(f"A batch may have {_MOST} codes.")
    for part in parts:
        await asyncio.sleep(0)  # others have their turn
        own = values_of(part)
        named = {name for name, _ in own}
        values = (*own, *(pair for pair in shared if pair[0] not in named))
        work = validate_in_value_set if in_value_set else validate_in_code_system
        try:
            answer = await work(replace(call, values=values))
        except Incorrect as error:
            answer = refusal_of(error) or _plain_outcome(error)
        found.append({"name": "validation", "resource": answer})
    return _parameters(*found)


async def _value_set(call: Call, scope: Scope) -> Tree:
    sent = call.tree("valueSet") or call.instance
    if sent is not None:
        return sent
    return await _named_set(scope, call.text("url"), call.text("valueSetVersion"))


async def _named_set(scope: Scope, url: str, version: str) -> Tree:
    if not url:
        raise Incorrect("Name the value set: as 'url', as 'valueSet', or in the address.")
    found = await scope.value_set(url, version)
    if found is None:
        named = split(url)
        wanted = version or named[1] or scope.options.value_sets.get(named[0], "")
        raise Missing(say("Unable_to_resolve_value_Set_", vs=joined(named[0], wanted)))
    return found


def _coded(call: Call, system: str, version: str) -> Coded:
    concept = call.tree("codeableConcept")
    if concept is not None:
        return concept_of(concept)
    coding = call.tree("coding")
    if coding is not None:
        return Coded("coding", (coding_of(coding, "Coding"),))
    code = call.text("code")
    if not code or not (system or call.options().infer_system):
        raise Incorrect(
            "Unable to find code to validate (looked for coding | codeableConcept | code+system | "
            "code+inferSystem in parameters"
        )
    return Coded("code", (Coding(system, version, code, call.text("display")),))


def _within(coding: Coding, url: str, version: str) -> Coding:
    """A code with the code system of the call, where it names none itself."""
    if not coding.system:
        return replace(coding, system=url, version=coding.version or version)
    return coding


def _one(call: Call, name: str, system: str, version: str) -> Coding:
    tree = call.tree(name)
    return (
        coding_of(tree, "Coding") if tree is not None else _plain(call, ("code",), system, version)
    )


def _plain(call: Call, names: Sequence[str], system: str, version: str) -> Coding:
    code = call.text(*names)
    system, named = split(system)
    if not code or not system:
        raise Incorrect("Name a code and its system, or send a coding.")
    return Coding(system, version or named, code)


def _of_two(call: Call, letter: str, system: str) -> Coding:
    tree = call.tree(f"coding{letter}")
    if tree is not None:
        return coding_of(tree, f"coding{letter}")
    return _plain(call, (f"code{letter}",), system, call.text("version"))


def _dependencies(call: Call) -> list[tuple[str, str]]:
    found = []
    for name, value in call.values:
        if name == "dependency" and isinstance(value, list):
            parts = [p for p in value if isinstance(p, dict)]
            said = {str(p.get("name")): p for p in parts}
            coded = concept_of(said.get("concept", {}).get("valueCodeableConcept", {}))
            element = str(said.get("element", {}).get("valueUri", ""))
            found += [(element, coding.code) for coding in coded.codings]
    return found


def values_of(part: object) -> Values:
    """The parameters of a Parameters resource within another one."""
    parameters = part.get("parameter", []) if isinstance(part, dict) else None
    if not isinstance(parameters, list) or not all(isinstance(p, dict) for p in parameters):
        raise Incorrect("Each 'validation' is a Parameters resource.")
    found: list[tuple[str, object]] = []
    for one in parameters:
        values = [v for k, v in one.items() if k.startswith("value") or k in ("resource", "part")]
        if not isinstance(one.get("name"), str) or len(values) != 1:
            raise Incorrect("Each parameter of a 'validation' has a name and one value.")
        found.append((one["name"], values[0]))
    return found


def _plain_outcome(error: Incorrect) -> Tree:
    issue = {"severity": "error", "code": "invalid", "details": {"text": error.text}}
    return {"resourceType": "OperationOutcome", "issue": [issue]}


def _parameters(*found: Tree) -> Tree:
    return {"resourceType": "Parameters", "parameter": list(found)}
