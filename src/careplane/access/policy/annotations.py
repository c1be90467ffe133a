"""What stands above a policy: which elements it hides, or that it shows records de-identified.

@hides("Patient.telecom, Patient.address")    all but these
@shows("Patient.name, Patient.birthDate")     these alone
@deidentified("asthma-2027")                  without what names a patient, for this study
@id("...")  @note("...")                      for readers
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from msgspec import Struct

from careplane.access.masks.paths import NONE, Misnamed, Paths, named, others

_READERS = frozenset({"id", "note"})
_KNOWN = ("hides", "shows", "deidentified", *sorted(_READERS))
_STUDY = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


class Shown(Struct, frozen=True):
    """`hides` by type; `study` is empty where nothing is de-identified."""

    hides: Mapping[str, Paths] = {}
    study: str = ""

    def __bool__(self) -> bool:
        return bool(self.hides or self.study)


def shown(annotations: Mapping[str, str | None]) -> Shown:
    """Raises Misnamed for an annotation that is unknown or cannot be followed."""
    for name in annotations:
        if name not in _KNOWN:
            raise Misnamed(f"@{name} is unknown; there are @{', @'.join(_KNOWN)}")
    found: dict[str, Paths] = {}
    if "hides" in annotations:
        found |= named(_said(annotations, "hides"))
    if "shows" in annotations:
        for type, paths in others(named(_said(annotations, "shows"))).items():
            found[type] = found.get(type, NONE) | paths
    return Shown(found, _study(annotations) if "deidentified" in annotations else "")


def _study(annotations: Mapping[str, str | None]) -> str:
    study = _said(annotations, "deidentified")
    if not _STUDY.fullmatch(study):
        raise Misnamed(
            "@deidentified names a study by 1 to 64 letters, digits, '.', '-' and '_', such as "
            '@deidentified("asthma-2027")'
        )
    return study


def _said(annotations: Mapping[str, str | None], name: str) -> str:
    said = annotations[name]
    if not said:
        raise Misnamed(f'@{name} needs a text, as in @{name}("...")')
    return said
