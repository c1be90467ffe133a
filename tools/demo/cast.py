"""The cast: which synthetic patients the demo hospital has, and in which role each stands.

The bases are Synthea patients. A role adds what Synthea does not simulate; `names` replaces the
name where the demo needs another script than Latin.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Part:
    """One patient: the Synthea file's prefix, the logical id, what is added and left out."""

    base: str
    id: str
    role: str = ""
    names: tuple[dict[str, Any], ...] = ()
    language: str = ""
    years: int = 8
    without: tuple[str, ...] = ()
    allergies: tuple[str, ...] = field(default=())


def _name(use: str, family: str, given: str, representation: str) -> dict[str, Any]:
    """A HumanName in one script, marked with the ISO 21090 representation (ABC, SYL, IDE)."""
    url = "http://hl7.org/fhir/StructureDefinition/iso21090-EN-representation"
    return {
        "extension": [{"url": url, "valueCode": representation}],
        "use": use,
        "family": family,
        "given": [given],
    }


HADDAD = (
    {"use": "official", "text": "ليلى حداد", "family": "حداد", "given": ["ليلى"]},
    _name("usual", "Haddad", "Layla", "ABC"),
)
SATO = (
    _name("official", "佐藤", "健一", "IDE") | {"text": "佐藤 健一"},
    _name("usual", "Sato", "Kenichi", "ABC"),
)

CAST: tuple[Part, ...] = (
    Part(
        "Devin_Bailey",
        "devin-bailey",
        "heart-failure",
        without=("Observation", "DiagnosticReport"),  # the story measures him
        allergies=("penicillin",),
    ),
    Part("Silvana_Cremin", "silvana-cremin", "diabetes", allergies=("sulfonamide",)),
    Part("Barrett_Cummings", "barrett-cummings", "hypertension"),
    Part("Kathy_Walker", "layla-haddad", "pregnancy", HADDAD, "ar", 4, allergies=("latex",)),
    Part("George_Kutch", "kenichi-sato", "hypertension", SATO, "ja"),
    Part(
        "Clarine_O'Keefe", "clarine-okeefe", "anticoagulation", allergies=("penicillin", "aspirin")
    ),
    Part("Latanya_Kohler", "latanya-kohler", "appointment"),
    Part("Junita_Labadie", "junita-labadie", "child"),
    Part("Andy_Gusikowski", "andy-gusikowski", "child", allergies=("peanut",)),
    Part("Giovanni_Balistreri", "giovanni-balistreri", "child"),
    Part("Elvis_Moen", "elvis-moen", "child"),
    Part("Fidel_Bins", "fidel-bins", "appointment", allergies=("aspirin",)),
    Part("Darin_Skiles", "darin-skiles", "appointment"),
    Part("Nelida_Gislason", "nelida-gislason", years=5),
    Part("Randall_Stroman", "randall-stroman", "appointment"),
    Part("Kristie_Effertz", "kristie-effertz", allergies=("penicillin",)),
    Part("Trey_Berge", "trey-berge"),
    Part("Jed_Pollich", "jed-pollich", "appointment"),
    Part("Alexia_Senger", "alexia-senger"),
    Part("Lillian_Schinner", "lillian-schinner", years=5),
    Part("Martina_Murazik", "martina-murazik", "appointment"),
    Part("Melony_Williamson", "melony-williamson", years=5),
    Part("Omar_Abernathy", "omar-abernathy"),
    Part("Parker_Casper", "parker-casper", years=4),
)

MEASURED: dict[str, frozenset[str]] = {
    "pregnancy": frozenset({"29463-7", "39156-5", "55284-4"}),
    "hypertension": frozenset({"55284-4"}),
    "diabetes": frozenset({"4548-4"}),
}
"""LOINC codes that a role measures by itself, so that Synthea's values would not fit."""
