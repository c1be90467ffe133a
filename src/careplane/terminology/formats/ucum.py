"""The UCUM essence: base units, units and prefixes, in XML.

Which codes there are, the grammar tells (`terminology.grammars.units`): they have no end. So this
becomes a supplement, which adds names and properties to the units that have an entry.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property
from typing import Any

from lxml import etree

from careplane.fhir.tree import Tree
from careplane.kernel.errors import Invalid
from careplane.terminology.loading.files import Files
from careplane.terminology.loading.release import Fact

URL = "http://unitsofmeasure.org/ucum-essence"
_SYSTEM = "http://unitsofmeasure.org"
_ROOT = f"{{{URL}}}"
_MOST = 16 << 20
_PROPERTIES = ("property", "printSymbol", "class", "metric", "special", "arbitrary", "definition")


class Ucum:
    """One version. Option: `version`, in place of that of the file."""

    def __init__(self, files: Files, options: Mapping[str, str]) -> None:
        self._name = files.find("*.xml")
        with files.open(self._name) as file:
            raw = file.read(_MOST + 1)
        parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False)
        try:
            if len(raw) > _MOST:
                raise Invalid(f"{self._name} has more than {_MOST >> 20} MB.")
            self._root = etree.fromstring(raw, parser)
        except etree.XMLSyntaxError as error:
            raise Invalid(f"{self._name} is no XML: {error}.") from error
        if self._root.tag != f"{_ROOT}root":
            raise Invalid(f"{self._name} is not the UCUM essence.")
        self._version = options.get("version") or self._root.get("version", "")

    @property
    def header(self) -> Tree:
        return {
            "resourceType": "CodeSystem",
            "url": URL,
            "version": self._version,
            "name": "UCUMEssence",
            "title": "Unified Code for Units of Measure, what its table says of units",
            "publisher": "Regenstrief Institute",
            "status": "active",
            "content": "supplement",
            "supplements": _SYSTEM,
            "caseSensitive": True,
            "property": [{"code": code, "type": "string"} for code in _PROPERTIES],
        }

    def hierarchy(self) -> Iterator[tuple[str, Iterable[str]]]:
        for fact in self._facts:
            yield fact.code, ()

    def facts(self) -> Iterator[Fact]:
        yield from self._facts

    @cached_property
    def _facts(self) -> list[Fact]:
        found: dict[str, Fact] = {}
        for element in self._root:
            if element.tag in (f"{_ROOT}base-unit", f"{_ROOT}unit"):
                fact = self._fact(element)
                found.setdefault(fact.code, fact)
        return list(found.values())

    def _fact(self, element: Any) -> Fact:
        code = element.get("Code")
        if not code:
            raise Invalid(f"{self._name}: a unit in line {element.sourceline} has no Code.")
        names = [_text(name) for name in element.iterfind(f"{_ROOT}name")]
        value = element.find(f"{_ROOT}value")
        said = {
            "property": _text(element.find(f"{_ROOT}property")),
            "printSymbol": _text(element.find(f"{_ROOT}printSymbol")),
            "class": element.get("class", ""),
            "metric": _truth(element.get("isMetric", "")),
            "special": _truth(element.get("isSpecial", "")),
            "arbitrary": _truth(element.get("isArbitrary", "")),
            "definition": "" if value is None else _definition(value),
        }
        return Fact(
            code,
            names[0] if names else code,
            designations=tuple(("", "en", name) for name in names[1:]),
            properties=tuple((name, "string", text, 0) for name, text in said.items() if text),
        )


def _definition(value: Any) -> str:
    function = value.find(f"{_ROOT}function")
    if function is not None:
        return f"{function.get('name', '')}({function.get('value', '')} {function.get('Unit', '')})"
    return f"{value.text or ''} {value.get('Unit', '')}".strip()


def _truth(text: str) -> str:
    return {"yes": "true", "no": "false"}.get(text, "")


def _text(element: Any) -> str:
    return "" if element is None else " ".join("".join(element.itertext()).split())
