"""The terminology tests of the FHIR terminology ecosystem: how they are read, what is sent to an R4
server, and how its answers are compared, as their readme says.

The tests are written in R5. What R4 has another form for is turned into it on the way out, and back
on the way in. Resources that a suite needs go along with each request, as `tx-resource`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

MODE = "general"
_R5 = "http://hl7.org/fhir/5.0/StructureDefinition/extension-"
_FORMS = {
    "id": r"[A-Za-z0-9\-.]{1,64}",
    "uuid": r"(urn:uuid:)?[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}",
    "instant": r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)",
    "date": r"\d{4}(-\d\d(-\d\d(T.*)?)?)?",
    "url": r"(https?|urn|ftp):\S+",
    "token": r"[0-9A-Za-z_.\-]+",
    "string": r"(?s).+",
    "version": r"[0-9]+(\.[0-9]+)*.*",
    "semver": r"\d+\.\d+(\.\d+.*)?",
    "": r"(?s).*",
}
_RELATIONSHIPS = {
    "equivalent": "equivalent",
    "source-is-narrower-than-target": "wider",
    "source-is-broader-than-target": "narrower",
    "related-to": "relatedto",
    "not-related-to": "disjoint",
}


@dataclass(frozen=True)
class Case:
    """One test. `parameters` are what to send, `setup` the resources that it is about, `responses`
    any of which is right."""

    suite: str
    name: str
    operation: str
    mode: str
    version: str
    parameters: list[dict[str, Any]]
    setup: tuple[dict[str, Any], ...]
    responses: tuple[dict[str, Any], ...]
    http: str
    language: str
    headers: dict[str, str]

    @property
    def id(self) -> str:
        return f"{self.suite}/{self.name}"

    def request(self, resources: Iterable[dict[str, Any]]) -> dict[str, Any]:
        """The Parameters, with these resources sent along."""
        along = [{"name": "tx-resource", "resource": one} for one in resources]
        return {"resourceType": "Parameters", "parameter": [*along, *self.parameters]}


def cases(folder: Path) -> list[Case]:
    """All tests, in their order; those of one name get a number behind it."""
    found: list[Case] = []
    counted: dict[str, int] = {}
    for suite in _load(folder / "test-cases.json")["suites"]:
        setup = tuple(to_r4(_load(folder / name)) for name in suite.get("setup", ()))
        for test in suite["tests"]:
            key = f"{suite['name']}/{test['name']}"
            counted[key] = counted.get(key, 0) + 1
            name = test["name"] + (f" ({counted[key]})" if counted[key] > 1 else "")
            found.append(_case(folder, suite, test, name, setup))
    return found


def _case(folder: Path, suite: Any, test: Any, name: str, setup: Any) -> Case:
    asked = [_load(folder / test[key]) for key in ("request", "profile") if key in test]
    parameters = [one for part in asked for one in part["parameter"]]
    header = test.get("header", {})
    return Case(
        suite["name"],
        name,
        test["operation"],
        test.get("mode", suite.get("mode", MODE)),
        test.get("version", ""),
        to_r4(parameters),
        setup,
        tuple(_load(folder / test[key]) for key in ("response", "response2") if key in test),
        test.get("http-code", "2xx"),
        test.get("Accept-Language", ""),
        {header["name"]: header["value"]} if header.get("mode", MODE) == MODE and header else {},
    )


def _load(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8-sig"))


def to_r4(value: Any) -> Any:
    """A resource of R5 as R4 writes it."""
    if isinstance(value, list):
        return [to_r4(one) for one in value]
    if not isinstance(value, dict):
        return value
    found = {
        key: to_r4(one)
        for key, one in value.items()
        if ":" not in key and not key.startswith("versionAlgorithm")
    }
    for kind in ("source", "target"):
        for type in ("Uri", "Canonical"):
            if f"{kind}Scope{type}" in found:
                found[f"{kind}{type}"] = found.pop(f"{kind}Scope{type}")
    if "relationship" in found and "mode" in found:
        del found["relationship"]  # R4 has none for what is not mapped
    if "relationship" in found:
        found["equivalence"] = _RELATIONSHIPS[found.pop("relationship")]
    if found.get("op") in ("child-of", "descendent-leaf"):
        url = f"{_R5}ValueSet.compose.include.filter.op"
        extension = [{"url": url, "valueCode": found.pop("op")}]
        found["_op"] = {"extension": extension}
    if isinstance(found.get("valueBoolean"), str):
        found["valueBoolean"] = found["valueBoolean"] == "true"
    return found


def to_r5(value: Any) -> Any:
    """An answer of an R4 server as R5 writes it."""
    if isinstance(value, list):
        return [to_r5(one) for one in value]
    if not isinstance(value, dict):
        return value
    found = {key: to_r5(one) for key, one in value.items()}
    for extension in found.get("extension", []):
        if extension["url"] in (
            f"{_R5}ValueSet.expansion.property",
            f"{_R5}ValueSet.expansion.contains.property",
        ):
            found.setdefault("property", []).append(_property(extension))
    if "property" in found and "extension" in found:
        rest = [e for e in found["extension"] if not e["url"].startswith(_R5)]
        found["extension"] = rest
        if not rest:
            del found["extension"]
    return found


def _property(extension: Any) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for part in extension["extension"]:
        value_key = next(key for key in part if key.startswith("value"))
        key = value_key if part["url"] == "value" else part["url"]
        found[key] = part[value_key]
    return found


def differences(expected: Any, actual: Any, *, subset: bool = False) -> list[str]:
    """Where an answer is not what was expected; empty where it is."""
    return list(_differ(expected, actual, "", subset))


def _differ(expected: Any, actual: Any, path: str, subset: bool) -> Iterator[str]:
    if isinstance(expected, dict):
        if isinstance(actual, dict):
            yield from _objects(expected, actual, path, subset)
        else:
            yield f"{path}: expected an object, found {_short(actual)}"
    elif isinstance(expected, list):
        if isinstance(actual, list):
            yield from _lists(expected, actual, path, subset)
        else:
            yield f"{path}: expected a list, found {_short(actual)}"
    elif isinstance(expected, str) and isinstance(actual, str):
        if not matches(expected, actual):
            yield f"{path}: expected {expected!r}, found {actual!r}"
    elif isinstance(expected, bool) or isinstance(actual, bool):
        if expected is not actual:
            yield f"{path}: expected {expected!r}, found {actual!r}"
    elif expected != actual:
        yield f"{path}: expected {expected!r}, found {actual!r}"


def _objects(expected: Any, actual: Any, path: str, subset: bool) -> Iterator[str]:
    optional = expected.get("$optional-properties$", [])
    counted = expected.get("$count-arrays$", [])
    for key, value in expected.items():
        if key.startswith("$"):
            continue
        at = f"{path}.{key}"
        if key not in actual:
            if key not in optional and not _all_optional(value):
                yield f"{at}: missing"
        elif key in counted:
            if len(value) != len(actual[key]):
                yield f"{at}: expected {len(value)} entries, found {len(actual[key])}"
        else:
            yield from _differ(value, actual[key], at, subset)
    if not subset:
        for key in actual:
            if key not in expected:
                yield f"{path}.{key}: unexpected: {_short(actual[key])}"


def _all_optional(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(v, dict) and _optional(v) for v in value)


def _lists(expected: list[Any], actual: list[Any], path: str, subset: bool) -> Iterator[str]:
    left = list(actual)
    for one in expected:
        fitting = next((a for a in left if not differences(one, a, subset=subset)), None)
        if fitting is not None:
            left.remove(fitting)
        elif not (isinstance(one, dict) and _optional(one)):
            near = _nearest(one, left)
            if near is None:
                yield f"{path}[]: missing: {_short(one)}"
            else:
                left.remove(near)
                yield from _differ(one, near, f"{path}[{_named(one)}]", subset)
    if not subset:
        for one in left:
            yield f"{path}[]: unexpected: {_short(one)}"


def _optional(one: dict[str, Any]) -> bool:
    said = one.get("$optional$")
    if said is None:
        return False
    if said is True or said == "warning:version":
        return True
    if said.startswith("version:"):
        return bool(said == "version:4")
    return not (said.startswith("!") and said[1:] == MODE)


def _named(one: Any) -> str:
    if not isinstance(one, dict):
        return ""
    return str(one.get("name") or one.get("code") or one.get("url") or "")


def _nearest(one: Any, left: list[Any]) -> Any:
    return next((a for a in left if _named(a) and _named(a) == _named(one)), None)


def matches(expected: str, actual: str) -> bool:
    """Whether a text is the expected one, or of the form that `$...$` asks for."""
    if not (expected.startswith("$") and expected.endswith("$") and len(expected) > 1):
        return expected == actual
    kind, _, rest = expected[1:-1].partition(":")
    match kind:
        case "external":
            _, _, pattern = rest.partition(":")
            return pattern in actual
        case "choice":
            return actual in rest.split("|")
        case "fragments":
            return all(part.lower() in actual.lower() for part in rest.split("|"))
    return re.fullmatch(_FORMS[kind], actual) is not None


def _short(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) < 300 else text[:300] + "..."
