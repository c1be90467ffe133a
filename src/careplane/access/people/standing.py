"""What a RelatedPerson may do for the patient, by what the two resources say (R4): whether at all,
only to look, to act as well, or as little as an adolescent's parent sees. Pure.

Who is a parent or a guardian by the relationship alone has rights that narrow and end with the age
of the child. Who was invited by the patient keeps them until the end of the period.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

from careplane.kernel.errors import Incorrect

PROXY_EXTENSION = "https://github.com/careplane/careplane/StructureDefinition/proxy"
"""On a RelatedPerson: `rights` (valueCode, `read` or `act`; read if it is left out) and `invited`
(valueBoolean: by the patient)."""
READ, ACT, NARROW = "read", "act", "narrow"
_BY_BIRTH = frozenset(
    (
        "PRN", "NPRN", "NMTH", "NFTH", "MTH", "FTH", "ADOPTP", "ADOPTM", "ADOPTF", "PRNFOST",
        "FTHFOST", "MTHFOST", "STPPRN", "STPFTH", "STPMTH", "GESTM", "GUARD", "GRPRN", "GRMTH",
        "GRFTH",
    )
)  # fmt: skip
"""Relationships of v3-RoleCode by which one acts for a child. A power of attorney is none."""


@dataclass(frozen=True, slots=True)
class Ages:
    """In years: from when on a parent sees little, and nothing. 0 for never."""

    narrows: int = 0
    ends: int = 18

    def __post_init__(self) -> None:
        if self.ends and self.narrows > self.ends:
            raise Incorrect("CAREPLANE_PROXY_NARROWS_AT is at most CAREPLANE_PROXY_ENDS_AT.")


def rights(related: dict[str, Any], patient: dict[str, Any], today: date, ages: Ages) -> str:
    """`read`, `act` or `narrow`; empty for none."""
    if related.get("active") is not True or not _holds(related.get("period", {}), today):
        return ""
    given = _given(related)
    if not given.get("invited") and _is_by_birth(related):
        years = _years(str(patient.get("birthDate", "")), today)
        if years is not None and ages.ends and years >= ages.ends:
            return ""
        if years is not None and ages.narrows and years >= ages.narrows:
            return NARROW
    return ACT if given.get("rights") == ACT else READ


def given_by(related: dict[str, Any]) -> str:
    """The rights that a RelatedPerson was given, whatever the age of the patient."""
    return ACT if _given(related).get("rights") == ACT else READ


def _given(related: dict[str, Any]) -> dict[str, Any]:
    for extension in related.get("extension", ()):
        if extension.get("url") == PROXY_EXTENSION:
            return {
                str(part.get("url")): part.get("valueCode", part.get("valueBoolean"))
                for part in extension.get("extension", ())
            }
    return {}


def _holds(period: dict[str, Any], today: date) -> bool:
    """Both ends belong to a period; a partial date is all of its days (R4 2.24.0.4)."""
    now, start, end = str(today), str(period.get("start", ""))[:10], str(period.get("end", ""))[:10]
    return now[: len(start)] >= start and (not end or now[: len(end)] <= end)


def _is_by_birth(related: dict[str, Any]) -> bool:
    codes = (
        coding.get("code")
        for concept in related.get("relationship", ())
        for coding in concept.get("coding", ())
    )
    return any(code in _BY_BIRTH for code in codes)


def _years(born: str, today: date) -> int | None:
    """Full years of age; of a partial date the earliest that it may be, so that a right ends rather
    too early than too late. None where it is not known."""
    try:
        birth = date.fromisoformat(f"{born}-01-01"[:10] if len(born) < 10 else born[:10])
    except ValueError:
        return None
    return today.year - birth.year - ((today.month, today.day) < (birth.month, birth.day))
