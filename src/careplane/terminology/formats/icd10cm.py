"""ICD-10-CM as the NCHS publishes it: the tabular list (XML) or the order file (columns of fixed
width).

The tabular list has chapters, blocks and notes; codes that end in a seventh character are made of
its definitions, as the guidelines say (I.A.5: `x` stands for characters in between). The order file
lists every code, without the dot, and says which of them may be used for billing.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from lxml import etree

from careplane.fhir.tree import Tree
from careplane.kernel.errors import Incorrect, Invalid
from careplane.terminology.loading.files import Files
from careplane.terminology.loading.release import Fact, refused

URL = "http://hl7.org/fhir/sid/icd-10-cm"
_ORDER = re.compile(r"icd10cm[-_]order[-_](\d{4}).*\.txt$", re.IGNORECASE)
_NOTES = {"inclusionTerm": "inclusion", "includes": "includes", "excludes1": "excludes1",
          "excludes2": "excludes2", "codeFirst": "codeFirst", "useAdditionalCode": "useAdditional",
          "codeAlso": "codeAlso"}  # fmt: skip
_SEVENTH = 7
_DOT = 3


class Icd10Cm:
    """One fiscal year. Option: `version`, in place of that of the file."""

    def __init__(self, files: Files, options: Mapping[str, str]) -> None:
        self._files = files
        orders = [name for name in files.all("*.txt") if _ORDER.search(name)]
        tables = files.all("*tabular*.xml")
        if len(orders) + len(tables) == 0:
            raise Incorrect("There is neither icd10cm_tabular_YYYY.xml nor icd10cm_order_YYYY.txt.")
        if tables:
            self._source: _Tabular | _Order = _Tabular(files, tables[0])
        else:
            self._source = _Order(files, orders[0])
        self._version = options.get("version") or self._source.version

    @property
    def header(self) -> Tree:
        codes = [*dict.fromkeys(_NOTES.values()), "header", "short"]
        return {
            "resourceType": "CodeSystem",
            "url": URL,
            "version": self._version,
            "name": "ICD10CM",
            "title": f"ICD-10-CM {self._version}",
            "publisher": "National Center for Health Statistics",
            "status": "active",
            "content": "complete",
            "caseSensitive": False,
            "hierarchyMeaning": "classified-with",
            "property": [{"code": code, "type": "string"} for code in codes],
        }

    def hierarchy(self) -> Iterator[tuple[str, Iterable[str]]]:
        for code, parent, _ in self._source.entries():
            yield code, [parent] if parent else []

    def facts(self) -> Iterator[Fact]:
        for _, _, fact in self._source.entries():
            yield fact


_Entry = tuple[str, str, Fact]
"""A code, the one above it, and what is said of it."""


class _Order:
    def __init__(self, files: Files, name: str) -> None:
        self._files = files
        self._name = name
        found = _ORDER.search(name)
        self.version = found[1] if found else ""

    def entries(self) -> Iterator[_Entry]:
        known: set[str] = set()
        for number, line in self._files.lines(self._name):
            code, flag = line[6:14].strip(), line[14:15]
            if not code.isalnum() or flag not in ("0", "1") or len(line) < 78:
                raise refused(self._name, number, "the columns are not those of an order file.")
            known.add(code)
            parent = next((code[:n] for n in range(len(code) - 1, 2, -1) if code[:n] in known), "")
            short, name = line[16:76].strip(), line[77:].strip()
            said = [("header", "string", "true" if flag == "0" else "false", 0)]
            said += [("short", "string", short, 0)] if short != name else []
            fact = Fact(_dotted(code), name, properties=tuple(said))
            yield _dotted(code), _dotted(parent), fact


class _Tabular:
    def __init__(self, files: Files, name: str) -> None:
        self._files = files
        self._name = name
        self.version = next((text for tag, text in self._tops() if tag == "version"), "")

    def entries(self) -> Iterator[_Entry]:
        for chapter in self._chapters():
            name = (chapter.findtext("name") or "").strip()
            code = f"Chapter-{name}"
            yield code, "", Fact(code, _text(chapter, "desc"), abstract=True)
            for section in chapter.iterfind("section"):
                block = (section.get("id") or "").strip()
                if not block:
                    raise Invalid(f"{self._name}: a section of chapter {name[:20]} has no id.")
                diags = section.findall("diag")
                if any(_text(diag, "name") == block for diag in diags):
                    above = code  # a block of one category has its name: that is the code
                else:
                    above = block
                    yield block, code, Fact(block, _text(section, "desc"), abstract=True)
                for diag in diags:
                    yield from self._diag(diag, above, None)

    def _diag(self, diag: Any, parent: str, seventh: Any) -> Iterator[_Entry]:
        code = _text(diag, "name")
        own = diag.find("sevenChrDef")
        seventh = own if own is not None else seventh
        below = diag.findall("diag")
        abstract = bool(below) or seventh is not None
        yield (
            code,
            parent,
            Fact(code, _text(diag, "desc"), properties=tuple(_notes(diag)), abstract=abstract),
        )
        for inner in below:
            yield from self._diag(inner, code, seventh)
        if not below and seventh is not None:
            plain = code.replace(".", "")
            for extension in seventh.iterfind("extension"):
                char = (extension.get("char") or "").strip()
                if len(char) != 1 or len(plain) >= _SEVENTH:
                    raise Invalid(f"{self._name}: {code[:20]} has no place for a 7th character.")
                whole = _dotted(plain.ljust(_SEVENTH - 1, "X") + char)
                said = (extension.text or "").strip()
                yield whole, code, Fact(whole, f"{_text(diag, 'desc')}, {said}")

    def _chapters(self) -> Iterator[Any]:
        """Chapters one by one; what was read is let go of."""
        for event, element in self._parsed(("end",)):
            if event == "end" and element.tag == "chapter":
                yield element
                element.clear()

    def _tops(self) -> Iterator[tuple[str, str]]:
        for _, element in self._parsed(("end",)):
            if element.tag in ("version", "title"):
                yield element.tag, (element.text or "").strip()

    def _parsed(self, events: tuple[str, ...]) -> Iterator[tuple[str, Any]]:
        with self._files.open(self._name) as file:
            try:
                yield from etree.iterparse(
                    file, events=events, resolve_entities=False, no_network=True, load_dtd=False
                )
            except etree.XMLSyntaxError as error:
                raise Invalid(f"{self._name} is no XML: {error}.") from error


def _notes(diag: Any) -> Iterator[tuple[str, str, str, int]]:
    for tag, code in _NOTES.items():
        for element in diag.iterfind(tag):
            for note in element.iterfind("note"):
                if note.text and note.text.strip():
                    yield code, "string", " ".join(note.text.split()), 0


def _text(element: Any, tag: str) -> str:
    return " ".join((element.findtext(tag) or "").split())


def _dotted(code: str) -> str:
    return code if len(code) <= _DOT else f"{code[:_DOT]}.{code[_DOT:]}"
