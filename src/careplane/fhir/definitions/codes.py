"""Codes of required bindings, where R4 lists them in full (4.1 Using Codes)."""

from __future__ import annotations

from functools import cache


def required_codes(value_set: str) -> frozenset[str] | None:
    """The codes of a value set that some element binds as required.

    None where no list can be had: MIME types, currencies, UCUM units and sets outside of R4.
    """
    codings = required_codings(value_set)
    return None if codings is None else frozenset(code for _, code in codings)


@cache
def required_codings(value_set: str) -> frozenset[tuple[str, str]] | None:
    """As `required_codes`, as pairs of system and code."""
    from careplane.fhir.generated.codes import CODES  # on first use only

    parts = CODES.get(value_set.partition("|")[0])
    if parts is None:
        return None
    return frozenset((system, code) for system, codes in parts for code in codes)
