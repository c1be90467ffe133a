"""The parameters that terminology operations share, understood (FHIR R4, 4.9.18; and those of the
FHIR terminology ecosystem that validators send)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from careplane.kernel.errors import Incorrect
from careplane.terminology.languages import Languages, wished
from careplane.terminology.versions import split

Values = Sequence[tuple[str, object]]
_MOST = 10_000
"""Codes of a page."""
_FLAGS = {
    "activeOnly": "active_only",
    "excludeNested": "exclude_nested",
    "includeDesignations": "designations",
    "includeDefinition": "definition",
    "abstract": "abstract",
    "inferSystem": "infer_system",
    "lenient-display-validation": "lenient_display",
    "valueset-membership-only": "membership_only",
    "diagnostics": "diagnostics",
}
_RULES = ("system-version", "check-system-version", "force-system-version")


@dataclass(frozen=True, slots=True)
class Options:
    """What a caller wants. Flags are None where nothing was said. `rules` are by name, then by the
    url of the code system, the version; `given` are the parameters as they came."""

    languages: Languages = field(default_factory=Languages)
    active_only: bool | None = None
    exclude_nested: bool | None = None
    designations: bool | None = None
    definition: bool | None = None
    abstract: bool | None = None
    infer_system: bool | None = None
    lenient_display: bool | None = None
    membership_only: bool | None = None
    diagnostics: bool | None = None
    properties: tuple[str, ...] = ()
    designation_uses: tuple[str, ...] = ()
    filter: str = ""
    offset: int = 0
    count: int | None = None
    supplements: tuple[str, ...] = ()
    rules: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    value_sets: Mapping[str, str] = field(default_factory=dict)
    given: Values = ()

    def rule(self, name: str, system: str) -> str:
        """The version that a rule names for a code system, or nothing."""
        return self.rules.get(name, {}).get(system, "")


def options(values: Values, accept_language: str = "") -> Options:
    """Options from parameters by name. Raises Incorrect for a value that cannot be read."""
    flags = {field: _flag(values, name) for name, field in _FLAGS.items()}
    language = _text(values, "displayLanguage") or accept_language
    return Options(
        languages=wished(language) if language else Languages(),
        properties=tuple(_texts(values, "property")),
        designation_uses=tuple(_texts(values, "designation")),
        filter=_text(values, "filter"),
        offset=_number(values, "offset") or 0,
        count=_bounded(_number(values, "count")),
        supplements=tuple(_texts(values, "useSupplement")),
        rules={name: _canonicals(_texts(values, name)) for name in _RULES},
        value_sets=_canonicals(_texts(values, "default-valueset-version")),
        given=values,
        **flags,
    )


def _texts(values: Values, name: str) -> Iterable[str]:
    for key, value in values:
        if key == name:
            if not isinstance(value, str):
                raise Incorrect(f"The parameter {name!r} is a text.")
            yield value


def _text(values: Values, name: str) -> str:
    found = list(_texts(values, name))
    if len(found) > 1:
        raise Incorrect(f"The parameter {name!r} may be there once only.")
    return found[0] if found else ""


def _flag(values: Values, name: str) -> bool | None:
    found = [value for key, value in values if key == name]
    if not found:
        return None
    if len(found) > 1 or found[0] not in (True, False, "true", "false"):
        raise Incorrect(f"The parameter {name!r} is true or false, once.")
    return found[0] in (True, "true")


def _number(values: Values, name: str) -> int | None:
    found = [value for key, value in values if key == name]
    if not found:
        return None
    text = str(found[0])
    if len(found) > 1 or not text.isascii() or not text.isdigit() or len(text) > 9:
        raise Incorrect(f"The parameter {name!r} is a whole number that is not negative, once.")
    return int(text)


def _bounded(count: int | None) -> int | None:
    return None if count is None else min(count, _MOST)


def _canonicals(texts: Iterable[str]) -> dict[str, str]:
    found = {}
    for text in texts:
        url, version = split(text)
        if not url or not version:
            raise Incorrect(f"{text[:200]!r} names no version: it is a canonical 'url|version'.")
        found[url] = version
    return found
