"""The WHO's Anatomical Therapeutic Chemical classification with defined daily doses, as a table.

A line has a code (one, three, four, five or seven characters), its name, and for substances the
dose, its unit, the route and a note; a substance with several doses has several lines. Titles may
be those of the WHO's own index (`ATC code`, `ATC level name`) or of the tables made of it
(`atc_code`, `atc_name`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property

from careplane.fhir.tree import Tree
from careplane.kernel.errors import Incorrect
from careplane.terminology.loading.files import Files
from careplane.terminology.loading.release import Fact, refused

URL = "http://www.whocc.no/atc"
_LEVELS = (1, 3, 4, 5, 7)
_CODE = re.compile(r"[A-Z](\d\d([A-Z]([A-Z](\d\d)?)?)?)?")
_TITLES = {
    "code": ("atc code", "atc_code", "atccode"),
    "name": ("atc level name", "atc_name", "name"),
    "ddd": ("ddd",),
    "unit": ("u", "uom", "unit"),
    "route": ("adm.r", "adm_r", "route"),
    "note": ("note", "comment"),
}
_PROPERTIES = ("ddd", "route", "note")


class Atc:
    """One year's index. Option: `version`, the year."""

    def __init__(self, files: Files, options: Mapping[str, str]) -> None:
        if "version" not in options:
            raise Incorrect("ATC needs the option version, the year of the index.")
        self._files = files
        self._name = files.find("*.csv")
        self._version = options["version"]
        first = next(iter(files.lines(self._name)), (1, ""))[1]
        self._separator = max(",;\t", key=first.count)

    @property
    def header(self) -> Tree:
        return {
            "resourceType": "CodeSystem",
            "url": URL,
            "version": self._version,
            "name": "ATC",
            "title": f"Anatomical Therapeutic Chemical classification {self._version}",
            "publisher": "WHO Collaborating Centre for Drug Statistics Methodology",
            "status": "active",
            "content": "complete",
            "caseSensitive": True,
            "hierarchyMeaning": "classified-with",
            "property": [{"code": code, "type": "string"} for code in _PROPERTIES],
        }

    def hierarchy(self) -> Iterator[tuple[str, Iterable[str]]]:
        for number, row in self._rows():
            code = row["code"]
            if not _CODE.fullmatch(code):
                raise refused(self._name, number, f"{code[:20]!r} is no ATC code.")
            level = _LEVELS.index(len(code))
            yield code, [code[: _LEVELS[level - 1]]] if level else []

    def facts(self) -> Iterator[Fact]:
        for _, row in self._rows():
            dose = f"{row['ddd']} {row['unit']}".strip() if row["ddd"] else ""
            said = {"ddd": dose, "route": row["route"] if dose else "", "note": row["note"]}
            properties = tuple((name, "string", text, 0) for name, text in said.items() if text)
            yield Fact(row["code"], row["name"], properties=properties)

    def _rows(self) -> Iterator[tuple[int, dict[str, str]]]:
        columns = self._columns
        for number, values in self._files.records(
            self._name, list(columns.values()), separator=self._separator
        ):
            found = dict.fromkeys(_TITLES, "")
            found |= dict(zip(columns, (value.strip() for value in values), strict=True))
            yield number, found

    @cached_property
    def _columns(self) -> dict[str, str]:
        titles = self._files.titles(self._name, separator=self._separator)
        found = {}
        for what, names in _TITLES.items():
            at = next((title for title in titles if title.strip().lower() in names), None)
            if at is not None:
                found[what] = at.strip()
        for what in ("code", "name"):
            if what not in found:
                raise refused(self._name, 1, f"there is no column {_TITLES[what][0]}.")
        return found
