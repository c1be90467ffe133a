"""The formats of releases by name: to add one more, a file in `formats` and a line here."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TypeAlias

from careplane.kernel.errors import Incorrect
from careplane.terminology.formats.atc import Atc
from careplane.terminology.formats.csv import Csv
from careplane.terminology.formats.fhir import Fhir
from careplane.terminology.formats.icd10cm import Icd10Cm
from careplane.terminology.formats.loinc import Loinc
from careplane.terminology.formats.rxnorm import RxNorm
from careplane.terminology.formats.snomed import Snomed
from careplane.terminology.formats.ucum import Ucum
from careplane.terminology.loading.files import Files
from careplane.terminology.loading.release import Release

Reader: TypeAlias = Callable[[Files, Mapping[str, str]], Release]
_FORMATS: Mapping[str, tuple[Reader, tuple[str, ...]]] = {
    "atc": (Atc, ("version",)),
    "csv": (Csv, ()),
    "fhir": (Fhir, ("version",)),
    "icd10cm": (Icd10Cm, ("version",)),
    "loinc": (Loinc, ("version",)),
    "rxnorm": (RxNorm, ("version",)),
    "snomed": (Snomed, ("edition", "language", "version")),
    "ucum": (Ucum, ("version",)),
}
"""And their options; the reader of CSV says itself which it has."""
NAMES = tuple(_FORMATS)


def opened(format: str, path: Path, options: Mapping[str, str]) -> Release:
    """A release to be loaded. Raises NotFound, Incorrect, Invalid where it is not one."""
    if format not in _FORMATS:
        raise Incorrect(f"There is no format {format[:40]!r}; there are {', '.join(NAMES)}.")
    reader, known = _FORMATS[format]
    other = [option for option in options if known and option not in known]
    if other:
        raise Incorrect(f"{format} has no option {other[0][:40]!r}; it has {', '.join(known)}.")
    return reader(Files(path), options)
