"""The R4 cases of HL7's validator suite, read, run and compared.

A case has one or two runs: the resource by itself, and held against a profile. A run is compared
by its verdict, and by the set of its errors: where each is, and of which kind. The two tools word
their errors differently, put the lack of an element at its owner or at the element, and write
places in different ways, so both are brought to one form first; see `Error`.
"""

from __future__ import annotations

import io
import json as stdlib
import re
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from careplane.fhir.codec import json, xml
from careplane.fhir.definitions import core
from careplane.fhir.profiles import CodeQuestion, Library, Options, examine
from careplane.fhir.tree import Tree
from careplane.fhir.validation import problems
from careplane.kernel.errors import CareplaneError, Invalid, Issue
from tests.codes_house import LocalCodes
from tests.support import test_data


class Error(NamedTuple):
    """An error in the form that both sides are brought to.

    `kind` is one of cardinality (too few or many, of an element or of a slice), invariant,
    terminology, extension, narrative, syntax (of a document that cannot be parsed; one tool tells a
    line, the other a path, so the place is left out), and content for all else. `where` is the
    place in JSON names.
    """

    kind: str
    where: str

    def meets(self, other: Error) -> bool:
        """Of the same kind, and at the same place or at its owner."""
        mine, yours = self.where, other.where
        return self.kind == other.kind and (
            mine == yours or mine == _owner(yours) or yours == _owner(mine)
        )


def _owner(where: str) -> str:
    return where.rpartition(".")[0]


@dataclass(frozen=True)
class Run:
    """One comparison. `theirs` and `ours` are None where only the verdict is recorded."""

    name: str
    is_valid: bool
    is_valid_for_us: bool
    theirs: frozenset[Error] | None
    ours: frozenset[Error]

    @property
    def agrees(self) -> bool:
        """On "valid or not"."""
        return self.is_valid == self.is_valid_for_us

    @property
    def agrees_on_errors(self) -> bool:
        """On the set of errors, where it is recorded."""
        if self.theirs is None:
            return self.agrees
        return self.agrees and not self.missed and not self.added

    @property
    def missed(self) -> list[Error]:
        """Errors that are theirs alone."""
        return [one for one in sorted(self.theirs or ()) if not any(map(one.meets, self.ours))]

    @property
    def added(self) -> list[Error]:
        """Errors that are ours alone."""
        return [one for one in sorted(self.ours) if not any(map(one.meets, self.theirs or ()))]


class Shelf:
    """Definitions: those that come with a case, above those of R4."""

    def __init__(self) -> None:
        self._own: dict[tuple[str, str], list[Tree]] = {}

    def add(self, resource: Tree) -> None:
        """Put a resource on the shelf, if it has a URL."""
        url = resource.get("url")
        if isinstance(url, str):
            self._own.setdefault((str(resource.get("resourceType")), url), []).append(resource)

    def artifact(self, type: str, canonical: str) -> Tree | None:
        """By canonical, with or without version."""
        url, _, version = canonical.partition("|")
        found = self._own.get((type, url), [])
        for one in found:
            if not version or str(one.get("version", "")).startswith(version):
                return one
        return core.artifact(type, url)

    def all(self, type: str) -> list[Tree]:
        """Those that were put here, of one type."""
        return [rows[0] for (known, _), rows in self._own.items() if known == type]

    def any(self, canonical: str) -> Tree | None:
        """A resource of whatever type, such as the questionnaire of a response."""
        url = canonical.partition("|")[0]
        own = (rows[0] for (_, known), rows in self._own.items() if known == url)
        return next(own, None) or next(
            filter(None, (core.artifact(t, url) for t in core.TYPES)), None
        )


def folder() -> Path:
    """Where the suite is; skips without it."""
    return test_data("fhir-test-cases", "validator")


@cache
def runs() -> dict[str, tuple[Run, ...]]:
    """Case -> its runs; cases without a recorded outcome left out."""
    manifest = stdlib.loads((folder() / "manifest.json").read_text("utf-8"))
    found: dict[str, tuple[Run, ...]] = {}
    for case in manifest["test-cases"]:
        name = case["name"] if case["name"] not in found else f"{case['name']} {case['file']}"
        mine = tuple(_runs(name, case))
        if mine:
            found[name] = mine
    return found


def _runs(name: str, case: dict[str, Any]) -> Iterator[Run]:
    shelf = _shelf(case, {})
    outcome = _outcome(case.get("java"))
    if outcome is not None:
        yield _compared(name, outcome, _issues(case, shelf, ()))
    profile = case.get("profile") or {}
    outcome = _outcome(profile.get("java"))
    if outcome is not None:
        shelf = _shelf(case, profile)
        wanted = _profile(profile, shelf)
        if shelf.artifact("StructureDefinition", wanted) is None:
            return  # its package is not at hand
        yield _compared(f"{name} (profile)", outcome, _issues(case, shelf, (wanted,)))


def _shelf(case: dict[str, Any], profile: dict[str, Any]) -> Shelf:
    shelf = Shelf()
    kinds = ("profiles", "supporting", "supporting5")
    names = [*(n for kind in kinds for n in case.get(kind, ())), *profile.get("supporting", ())]
    for name in names:
        try:
            shelf.add(_read(folder() / name, ordered=False))
        except (CareplaneError, FileNotFoundError):  # some are no resources, some are not there
            continue
    for name in (*case.get("packages", ()), *profile.get("packages", ())):
        if (folder() / name).is_file():
            for resource in packed(folder() / name):
                shelf.add(resource)
        elif name.startswith("hl7.fhir.us.core#"):
            for resource in packed(test_data("us-core", "us_core_610.tgz")):
                shelf.add(resource)
    return shelf


@cache
def packed(file: Path) -> tuple[Tree, ...]:
    """The resources of a package."""
    found = []
    with tarfile.open(fileobj=io.BytesIO(file.read_bytes()), mode="r:gz") as inner:
        for member in inner:
            name = Path(member.name).name
            if member.name.count("/") == 1 and name.endswith(".json") and name[0] != ".":
                handle = inner.extractfile(member)
                tree = json.parse(handle.read()) if handle is not None else {}
                if "resourceType" in tree:
                    found.append(tree)
    return tuple(found)


def _profile(profile: dict[str, Any], shelf: Shelf) -> str:
    source = str(profile["source"])
    if source.startswith("http"):
        return source
    tree = _read(folder() / source, ordered=False)
    shelf.add(tree)
    return str(tree.get("url"))


def _outcome(java: Any) -> Any:
    if isinstance(java, dict):
        return java.get("outcome", java)
    for name in (str(java), f"{java}.json"):
        file = folder() / "outcomes" / name
        if file.is_file():
            return stdlib.loads(file.read_text("utf-8"))
    return None


def _issues(case: dict[str, Any], shelf: Shelf, profiles: tuple[str, ...]) -> list[Issue]:
    try:
        tree = _read(folder() / case["file"])
    except Invalid as error:
        return list(error.issues)
    except CareplaneError as error:
        return list(error.issues)
    options = Options(
        unknown_extensions=None if _lacks_packages(case) else "error",
        extension_domains=_domains(case),
        displays="warning" if case.get("wrong-displays") == "warning" else "error",
        references="valid" if case.get("validateReference") == "CHECK_VALID" else "ignored",
        plain_text=case.get("security-checks") is True,
        now=1_764_000_000_000_000,
    )
    codes = LocalCodes(shelf)

    def in_set(system: str, code: str, url: str) -> bool | None:
        return codes.check(CodeQuestion(system, code, value_set=url)).result

    found = problems(tree, shelf.any, in_set)
    if str(tree.get("resourceType")) in ("None", ""):
        return found
    return found + examine(
        tree,
        Library(shelf),
        profiles,
        codes=codes,
        resolver=Beside(),
        options=options,
    )


class Beside:
    """Resolves references to the files of the suite: `Patient/x` is `x.xml` or `x.json`."""

    def resolve(self, reference: str) -> Tree | None:
        """By the id."""
        named = re.fullmatch(r"[A-Z][A-Za-z]+/([A-Za-z0-9\-.]{1,64})", reference)
        for suffix in (".xml", ".json"):
            file = folder() / f"{named.group(1) if named else ''}{suffix}"
            if named and file.is_file():
                return _read(file)
        return None


def _lacks_packages(case: dict[str, Any]) -> bool:
    """Whether a package of the case is not at hand: its extensions cannot be judged."""
    return any(
        not (folder() / name).is_file() and not name.startswith("hl7.fhir.us.core#")
        for name in case.get("packages", ())
    )


_ELSEWHERE = (
    "http://hl7.org/fhir/StructureDefinition/",
    "http://hl7.org/fhir/tools/StructureDefinition/",
    "http://hl7.org/fhir/5.0/StructureDefinition/",
)
"""Extensions whose definitions came with a later package of HL7, which is not at hand."""


def _domains(case: dict[str, Any]) -> tuple[str, ...]:
    stated = case.get("allowed-extension-domain")
    mine = (stated,) if isinstance(stated, str) else ()
    return ("http://example.org", "http://acme.com", "http://acme.org", *_ELSEWHERE, *mine)


def _read(file: Path, *, ordered: bool = True) -> Tree:
    raw = file.read_bytes().removeprefix(b"\xef\xbb\xbf")  # some were saved with a BOM
    return xml.parse(raw, ordered=ordered) if b"<" in raw[:8] else json.parse(raw)


def _compared(name: str, outcome: Any, issues: list[Issue]) -> Run:
    theirs = [i for i in outcome.get("issue", ()) if i["severity"] in ("error", "fatal")]
    has_issues = "resourceType" in outcome
    is_valid = not theirs if has_issues else not outcome.get("errorCount")
    ours = [issue for issue in issues if issue.severity in ("error", "fatal")]
    recorded = frozenset(map(_of_theirs, theirs)) if has_issues else None
    return Run(name, is_valid, not ours, recorded, frozenset(map(_of_ours, ours)))


_KINDS = (
    (
        "syntax",
        re.compile(
            r"Comments are not allowed|Comma is missing|no quotes around|Error parsing"
        ).search,
    ),
    ("narrative", re.compile(r"Constraint failed: txt-|in the XHTML").search),
    ("invariant", re.compile(r"Constraint failed").match),
    (
        "cardinality",
        re.compile(
            r"minimum required|max allowed|required, but not found|matching slice is required"
            r"|is required in order"
        ).search,
    ),
    ("extension", re.compile(r"[Ee]xtension (http|'http|url|URL)|Sub-extension").search),
    (
        "terminology",
        re.compile(
            r"Wrong Display|Unknown code|System URI|in the value set|is a supplement|No code prov"
            r"|CodeSystem .* could not be found|not valid in the (system|value set)"
        ).search,
    ),
)


_IN_BUNDLE = re.compile(r"(?:Can't find|Found \d+ match).*in the bundle|isn't reachable by").search
_NAMED = re.compile(r"\((Bundle\.entry\S*)\)").search


def _of_theirs(issue: Any) -> Error:
    text = issue.get("details", {}).get("text", "")
    kind = next((name for name, has in _KINDS if has(text)), "content")
    if kind == "syntax":
        return Error(kind, "")
    where = ",".join(issue.get("expression") or issue.get("location") or ())
    if where in ("$", "jwt"):  # no resource at all
        return Error("syntax", "")
    if _IN_BUNDLE(text):  # these count from one, or have the place in their words
        named = _NAMED(text) if where == "Bundle" else None
        if named:
            return Error(kind, named[1])
        where = re.sub(r"\[(\d+)\]", lambda m: f"[{max(int(m[1]) - 1, 0)}]", where)
    if text.startswith("The fullUrl"):  # these are always told of the first entry
        where = "Bundle.entry"
    where = where.replace("/f:", ".").lstrip(".")
    where = re.sub(r"/\*.*?\*/|\[url='[^']*'\]", "", where)
    where = re.sub(r"\.ofType\((\w)(\w*)\)", lambda m: m[1].upper() + m[2], where)
    return Error(kind, where)


def _of_ours(issue: Issue) -> Error:
    text, where = issue.text, issue.where
    if not where:
        return Error("syntax", "")
    if where.endswith("].fullUrl"):
        where = "Bundle.entry"
    if text.startswith("txt-"):
        return Error("narrative", where)
    if issue.code == "invariant":
        return Error("invariant", where)
    if issue.code == "code-invalid" or "display" in text or "supplement" in text:
        return Error("terminology", where)
    if re.search(r"is required$|^At (least|most) \d", text):
        return Error("cardinality", where)
    if issue.code == "extension":
        return Error("extension", where)
    return Error("content", where)
