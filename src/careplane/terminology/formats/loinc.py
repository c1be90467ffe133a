"""LOINC as Regenstrief releases it: the table `Loinc.csv`, and of its accessory files the parts and
their hierarchy, answer lists and linguistic variants (LOINC Users' Guide; LOINC on FHIR for the
properties). Files other than the table may be missing.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property

import msgspec

from careplane.fhir.tree import Tree
from careplane.kernel.errors import Incorrect
from careplane.terminology.consumer import CONSUMER_NAME
from careplane.terminology.loading.files import Files
from careplane.terminology.loading.release import Fact, refused

URL = "http://loinc.org"
_CODE = re.compile(r"\d{1,7}-\d")
_AXES = ("COMPONENT", "PROPERTY", "TIME_ASPCT", "SYSTEM", "SCALE_TYP", "METHOD_TYP", "CLASS")
_OTHERS = ("CLASSTYPE", "STATUS", "ORDER_OBS", "EXAMPLE_UCUM_UNITS", "VersionFirstReleased",
           "VersionLastChanged", "PanelType")  # fmt: skip
_OWN = (*_AXES, *_OTHERS)
_TABLE, _PARTS, _HIERARCHY = "Loinc.csv", "Part.csv", "ComponentHierarchyBySystem.csv"
_ANSWERS, _VARIANTS = "AnswerList.csv", "*LinguisticVariant.csv"
_VARIANT = re.compile(r"^([a-z]{2})([A-Z]{2})(\d+)LinguisticVariant\.csv$")
_VERSION = re.compile(r"Loinc[_ ]?v?(\d\.\d+)", re.IGNORECASE)
_INACTIVE = ("DEPRECATED", "INACTIVE")
_SHORT = msgspec.json.encode({"system": URL, "code": "SHORTNAME"}).decode()
_CONSUMER = msgspec.json.encode({"system": URL, "code": CONSUMER_NAME}).decode()


class Loinc:
    """One version. Option: `version`, as in `2.80`; without it the name of the folder says it."""

    def __init__(self, files: Files, options: Mapping[str, str]) -> None:
        self._files = files
        self._table = files.find(_TABLE)
        found = _VERSION.search(self._table) or _VERSION.search(files.name)
        self._version = options.get("version") or (found[1] if found else "")
        if not self._version:
            raise Incorrect("LOINC needs the option version, as in 2.80.")

    @property
    def header(self) -> Tree:
        codes = [*_OWN, "LIST"]
        return {
            "resourceType": "CodeSystem",
            "url": URL,
            "version": self._version,
            "name": "LOINC",
            "title": f"LOINC {self._version}",
            "publisher": "Regenstrief Institute, Inc.",
            "status": "active",
            "content": "complete",
            "caseSensitive": False,
            "hierarchyMeaning": "is-a",
            "valueSet": f"{URL}/vs",
            "property": [{"code": code, "type": "string"} for code in codes],
        }

    def hierarchy(self) -> Iterator[tuple[str, Iterable[str]]]:
        for number, (code,) in self._files.records(self._table, ("LOINC_NUM",)):
            if not _CODE.fullmatch(code):
                raise refused(self._table, number, f"{code[:20]!r} is no LOINC code.")
            yield code, ()
        for fact in (*self._parts(), *self._nodes(), *self._answers()):
            yield fact.code, ()
        for name in self._files.all(_HIERARCHY):
            for _, (code, parent) in self._files.records(name, ("CODE", "IMMEDIATE_PARENT")):
                yield code, [parent] if parent and parent != code else []

    def facts(self) -> Iterator[Fact]:
        wanted = ("LOINC_NUM", "LONG_COMMON_NAME", "SHORTNAME")
        more = ("DisplayName", "CONSUMER_NAME", "DefinitionDescription", *_OWN)
        for _, row in self._files.records(self._table, wanted, optional=more):
            code, name, short, display, consumer, definition, *values = row
            said = dict(zip(_OWN, values, strict=True))
            names = [(_SHORT, "en", short), ("", "en", display), (_CONSUMER, "en", consumer)]
            yield Fact(
                code,
                name or display or short,
                definition,
                tuple(one for one in names if one[2]),
                tuple((axis, "string", value, 0) for axis, value in said.items() if value),
                inactive=said["STATUS"] in _INACTIVE,
                status=said["STATUS"].lower(),
            )
        yield from self._nodes()
        yield from self._parts()
        yield from self._answers()
        yield from self._variants()

    def _parts(self) -> Iterator[Fact]:
        for name in self._files.all(_PARTS):
            columns = ("PartNumber", "PartName", "PartDisplayName", "Status")
            for _, (code, part, display, status) in self._files.records(name, columns):
                yield Fact(
                    code,
                    display or part,
                    inactive=status in _INACTIVE,
                    abstract=True,
                    status=status.lower(),
                )

    def _nodes(self) -> Iterator[Fact]:
        """What the hierarchy groups by and no other file has."""
        for name in self._files.all(_HIERARCHY):
            for _, (code, text) in self._files.records(name, ("CODE", "CODE_TEXT")):
                if not _CODE.fullmatch(code):
                    yield Fact(code, text, abstract=True)

    def _answers(self) -> Iterator[Fact]:
        columns = ("AnswerListId", "AnswerListName", "AnswerStringId", "DisplayText")
        for name in self._files.all(_ANSWERS):
            for _, (list, title, code, text) in self._files.records(name, columns):
                if list:
                    yield Fact(list, title, abstract=True)
                if code:
                    yield Fact(code, text, properties=(("LIST", "string", list, 0),))

    def _variants(self) -> Iterator[Fact]:
        for name in self._files.all(_VARIANTS):
            found = _VARIANT.match(name.rpartition("/")[2])
            if not found:
                continue
            language = f"{found[1]}-{found[2]}"
            columns = ("LOINC_NUM", "LONG_COMMON_NAME")
            for _, (code, text) in self._files.records(name, columns):
                if text and code in self._codes:
                    yield Fact(code, designations=(("", language, text),))

    @cached_property
    def _codes(self) -> set[str]:
        """A variant may be of more codes than the table has."""
        return {code for _, (code,) in self._files.records(self._table, ("LOINC_NUM",))}
