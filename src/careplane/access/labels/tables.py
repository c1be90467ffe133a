"""The tables by which codes are known to be sensitive: CSV with `system,code,label,level`.

`system` is a short name or the uri itself; a code that ends in `*` is a prefix; `label` is a code
of v3-ActCode (InformationSensitivityPolicy), `level` one of v3-Confidentiality.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable
from importlib import resources
from pathlib import Path

from msgspec import Struct

from careplane.access.consent.terms import LEVELS
from careplane.kernel.errors import Incorrect

_SYSTEMS = {
    "icd10cm": "http://hl7.org/fhir/sid/icd-10-cm",
    "snomed": "http://snomed.info/sct",
    "loinc": "http://loinc.org",
    "rxnorm": "http://www.nlm.nih.gov/research/umls/rxnorm",
}
_COLUMNS = ["system", "code", "label", "level"]
_LARGEST = 10_000_000


class Sensitive(Struct, frozen=True):
    """What a code says of the record that it stands in."""

    label: str
    level: str


class Table:
    """Codes and prefixes of codes, by system."""

    def __init__(self) -> None:
        self._exact: dict[tuple[str, str], tuple[Sensitive, ...]] = {}
        self._prefix: dict[tuple[str, str], tuple[Sensitive, ...]] = {}
        self._lengths: tuple[int, ...] = ()
        self._codes: set[str] = set()
        self._heads: set[str] = set()

    def add(self, system: str, code: str, found: Sensitive) -> None:
        """One row."""
        system = _SYSTEMS.get(system, system)
        prefix = code.removesuffix("*")
        rows = self._exact if prefix == code else self._prefix
        rows[system, prefix] = (*rows.get((system, prefix), ()), found)
        (self._codes if prefix == code else self._heads).add(prefix)
        self._lengths = tuple(sorted({len(head) for head in self._heads}))

    def may_know(self, code: str) -> bool:
        """Whether some system has something to say of a code like this."""
        return code in self._codes or any(code[:n] in self._heads for n in self._lengths)

    def of(self, system: str, code: str) -> list[Sensitive]:
        """What is known of a code."""
        found = list(self._exact.get((system, code), ()))
        for n in self._lengths:
            if len(code) >= n:
                found += self._prefix.get((system, code[:n]), ())
        return found


def load(folder: Path | None = None) -> Table:
    """The tables that come with Careplane, and those of an institution. Raises Incorrect with the
    file and line of what cannot be used."""
    table = Table()
    shipped = resources.files("careplane.access.labels") / "tables"
    files = sorted((f.name, f.read_text("utf-8")) for f in shipped.iterdir() if f.is_file())
    if folder is not None:
        files += _own(folder)
    for name, text in files:
        _read(table, name, text.splitlines())
    return table


def _own(folder: Path) -> list[tuple[str, str]]:
    if not folder.is_dir():
        raise Incorrect(f"{folder}: CAREPLANE_LABELS names no folder; make it, or unset it.")
    found = []
    for path in sorted(folder.glob("*.csv")):
        if path.stat().st_size > _LARGEST:
            raise Incorrect(f"{path}: the table is longer than {_LARGEST} bytes; split it.")
        found.append((str(path), path.read_text("utf-8")))
    return found


def _read(table: Table, name: str, lines: Iterable[str]) -> None:
    rows = csv.reader(lines)
    if next(rows, None) != _COLUMNS:
        raise Incorrect(f"{name}: the first line must be {','.join(_COLUMNS)}.")
    for row in rows:
        if len(row) != len(_COLUMNS) or row[3] not in LEVELS or not row[1].strip("*"):
            level = ", ".join(LEVELS)
            raise Incorrect(
                f"{name}:{rows.line_num}: a line is system,code,label,level, and level is one of "
                f"{level}."
            )
        table.add(row[0], row[1], Sensitive(row[2], row[3]))
