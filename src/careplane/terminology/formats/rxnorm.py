"""RxNorm's Rich Release Format: RXNCONSO for names, RXNREL for relationships, RXNSTY and RXNSAT for
what else is said (RxNorm Technical Documentation, 12). FHIR's page on RxNorm says what becomes of
it: TTY, STY, SAB and relationships are properties."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property

from careplane.fhir.tree import Tree
from careplane.kernel.errors import Incorrect
from careplane.terminology.loading.files import Files
from careplane.terminology.loading.release import Fact, refused

URL = "http://www.nlm.nih.gov/research/umls/rxnorm"
_OWN = "RXNORM"
_WIDTHS = {"RXNCONSO.RRF": 18, "RXNREL.RRF": 16, "RXNSTY.RRF": 6, "RXNSAT.RRF": 13}
_RANKS = ("SCD", "SBD", "GPCK", "BPCK", "IN", "MIN", "PIN", "BN", "SCDC", "SBDC", "SCDF", "SBDF",
          "SCDG", "SBDG", "DF", "DFG", "PSN", "SY", "TMSY")  # fmt: skip
"""Which name of RxNorm's own is the display: that of the earliest term type."""
_ATTRIBUTES = ("RXN_STRENGTH", "RXN_AVAILABLE_STRENGTH", "RXN_HUMAN_DRUG", "RXTERM_FORM", "NDC")
_RELATION = re.compile(r"[a-z_]{1,60}")
_SUPPRESSED = ("Y", "O", "E")


class RxNorm:
    """One release. Option: `version`, as in `03022026`; without it that of RXNSAB."""

    def __init__(self, files: Files, options: Mapping[str, str]) -> None:
        self._files = files
        self._names = files.find("RXNCONSO.RRF")
        self._version = options.get("version") or self._found_version()

    @cached_property
    def header(self) -> Tree:
        codes = ["TTY", "STY", "SAB", *_ATTRIBUTES]
        return {
            "resourceType": "CodeSystem",
            "url": URL,
            "version": self._version,
            "name": "RxNorm",
            "title": f"RxNorm {self._version}",
            "publisher": "National Library of Medicine",
            "status": "active",
            "content": "complete",
            "caseSensitive": True,
            "property": [{"code": code, "type": "string"} for code in codes]
            + [{"code": code, "type": "code"} for code in self._relations],
        }

    def hierarchy(self) -> Iterator[tuple[str, Iterable[str]]]:
        for code in self._codes:
            yield code, ()

    def facts(self) -> Iterator[Fact]:
        best: dict[str, int] = {}
        for _, row in self._rows("RXNCONSO.RRF"):
            code, language, source, type, name, suppressed = (
                row[0], row[1], row[11], row[12], row[14], row[16],
            )  # fmt: skip
            if source != _OWN:
                continue
            rank = _RANKS.index(type) if type in _RANKS else len(_RANKS)
            rank += len(_RANKS) + 1 if suppressed in _SUPPRESSED else 0
            is_best = rank < best.get(code, rank + 1)
            best[code] = min(rank, best.get(code, rank))
            said = (("TTY", "string", type, 0), ("SAB", "string", source, 0))
            language = "en" if language == "ENG" else language.lower()
            yield Fact(code, name if is_best else "", "", (("", language, name),), said)
        yield from (Fact(code, inactive=True) for code in self._codes if best[code] > len(_RANKS))
        yield from self._more()

    def _more(self) -> Iterator[Fact]:
        for _, row in self._optional("RXNSTY.RRF"):
            if row[0] in self._codes:
                yield Fact(row[0], properties=(("STY", "string", row[1], 0),))
        for _, row in self._optional("RXNSAT.RRF"):
            code, name, source, value = row[0], row[8], row[9], row[10]
            if source == _OWN and name in _ATTRIBUTES and code in self._codes:
                yield Fact(code, properties=((name, "string", value, 0),))
        for code, relation, other in self._related():
            yield Fact(code, properties=((relation, "code", other, 0),))

    def _related(self) -> Iterator[tuple[str, str, str]]:
        """RXNREL says what the second concept is to the first: `2 has_ingredient 1` is a property
        of the second one."""
        for number, row in self._optional("RXNREL.RRF"):
            first, second, relation, source = row[0], row[4], row[7], row[10]
            if source != _OWN or not relation or first not in self._codes:
                continue
            if not _RELATION.fullmatch(relation):
                raise refused("RXNREL.RRF", number, "a relationship is named by small letters.")
            if second in self._codes:
                yield second, relation, first

    @cached_property
    def _codes(self) -> dict[str, None]:
        found: dict[str, None] = {}
        for number, row in self._rows("RXNCONSO.RRF"):
            if row[11] == _OWN:
                if not row[0].isdecimal():
                    raise refused(self._names, number, "an RXCUI is a number.")
                found[row[0]] = None
        return found

    @cached_property
    def _relations(self) -> list[str]:
        return sorted({relation for _, relation, _ in self._related()})

    def _optional(self, name: str) -> Iterator[tuple[int, list[str]]]:
        return self._rows(name) if self._files.all(name) else iter(())

    def _rows(self, name: str) -> Iterator[tuple[int, list[str]]]:
        path, width = self._files.find(name), _WIDTHS[name]
        for number, line in self._files.lines(path):
            row = line.split("|")
            if row and row[-1] == "":
                row.pop()
            if len(row) < width - 2:
                text = f"{width} columns are expected, and here are {len(row)}."
                raise refused(path, number, text)
            yield number, row + [""] * (width - len(row))

    def _found_version(self) -> str:
        for name in self._files.all("RXNSAB.RRF"):
            for _, line in self._files.lines(name):
                row = line.split("|")
                if len(row) > 6 and row[3] == _OWN:
                    return row[6]
        raise Incorrect("RxNorm needs RXNSAB.RRF, or the option version.")
