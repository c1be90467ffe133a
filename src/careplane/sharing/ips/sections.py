"""The sections of a summary, in the order of the IPS: what each asks of the record, as data.

IPS 1.1, Composition-uv-ips: three sections are required, four recommended, the others optional.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Literal, NamedTuple

from careplane.fhir import lines
from careplane.fhir.lines import Line
from careplane.fhir.tree import Tree
from careplane.sharing.ips import spoken
from careplane.words.catalogues import mark

Level = Literal["required", "recommended", "optional"]
Say = Callable[[str, Tree, Mapping[str, str]], Line]
Pairs = tuple[tuple[str, str], ...]
LOINC = "http://loinc.org"
SNOMED = "http://snomed.info/sct"
_FUNCTIONAL = "304492001"
"""Functional assessment (SNOMED CT)."""
_DISABILITY = "21134002"


class Ask(NamedTuple):
    """One search of a section: the newest `limit`, and what a resource of it says. `alike` keeps
    the newest of each code, `keep` what belongs here and no search can tell."""

    type: str
    pairs: Pairs
    say: Say
    limit: int = 50
    alike: bool = False
    keep: Callable[[Tree], bool] = lambda tree: True


class Section(NamedTuple):
    """`key` is its short name here, `code` its LOINC code, `title` English; `most` entries are
    taken."""

    key: str
    code: str
    title: str
    level: Level
    asks: tuple[Ask, ...]
    most: int = 60


def _codes(system: str, *codes: str) -> str:
    return ",".join(f"{system}|{code}" for code in codes)


def is_functional(tree: Tree) -> bool:
    """Whether a ClinicalImpression assesses how somebody manages."""
    return any(one.get("code") == _FUNCTIONAL for one in tree.get("code", {}).get("coding", ()))


_TRUE: Pairs = (
    ("verification-status:not", "entered-in-error"),
    ("verification-status:not", "refuted"),
)
_STANDING: Pairs = (
    ("clinical-status:not", "inactive"),
    ("clinical-status:not", "resolved"),
    ("clinical-status:not", "remission"),
    *_TRUE,
)
_VALID: Pairs = (
    ("status:not", "entered-in-error"),
    ("status:not", "cancelled"),
    ("status:not", "registered"),
    ("_sort", "-date"),
)
_PREGNANCY = _codes(
    LOINC, "82810-3", "11778-8", "11779-6", "11780-4", "11636-8", "11637-6", "11638-4", "11639-2",
    "11640-0", "11612-9", "11613-7", "11614-5", "33065-4",
)  # fmt: skip
"""Status, expected date of delivery, and outcomes of pregnancies."""

SECTIONS: tuple[Section, ...] = (
    Section(
        "problems",
        "11450-4",
        mark("Problems"),
        "required",
        (
            Ask(
                "Condition",
                (*_STANDING, ("_sort", "-recorded-date")),
                lines.problem,
                200,
                alike=True,
            ),
        ),
        100,
    ),
    Section(
        "allergies",
        "48765-2",
        mark("Allergies and intolerances"),
        "required",
        (Ask("AllergyIntolerance", (*_STANDING, ("_sort", "-date")), spoken.allergy, 100),),
        100,
    ),
    Section(
        "medications",
        "10160-0",
        mark("Medications"),
        "required",
        (
            Ask(
                "MedicationRequest",
                (
                    ("status", "active,on-hold"),
                    ("intent:not", "proposal"),
                    ("_sort", "-authoredon"),
                ),
                lines.medication,
                100,
                alike=True,
            ),
            Ask(
                "MedicationStatement",
                (("status", "active,intended,on-hold"), ("_sort", "-effective")),
                lines.medication,
            ),
        ),
        100,
    ),
    Section(
        "immunizations",
        "11369-6",
        mark("Immunizations"),
        "recommended",
        (Ask("Immunization", (("status", "completed"), ("_sort", "-date")), spoken.immunization),),
    ),
    Section(
        "results",
        "30954-2",
        mark("Results"),
        "recommended",
        (
            Ask("Observation", (("category", "laboratory"), *_VALID), lines.result, 200, True),
            Ask("DiagnosticReport", _VALID, lines.report, 10),
        ),
    ),
    Section(
        "procedures",
        "47519-4",
        mark("Procedures"),
        "recommended",
        (
            Ask(
                "Procedure",
                (("status", "completed,in-progress"), ("_sort", "-date")),
                lines.procedure,
            ),
        ),
    ),
    Section(
        "devices",
        "46264-8",
        mark("Medical devices"),
        "recommended",
        (
            Ask(
                "DeviceUseStatement",
                (),
                lines.device,
                keep=lambda tree: tree.get("status") in ("active", "intended", "on-hold"),
            ),
            Ask("Device", (("status:not", "entered-in-error"),), lines.device),
        ),
    ),
    Section(
        "alerts",
        "104605-1",
        mark("Alerts"),
        "optional",
        (Ask("Flag", (), lines.alert, keep=lambda tree: tree.get("status") == "active"),),
    ),
    Section(
        "vitals",
        "8716-3",
        mark("Vital signs"),
        "optional",
        (Ask("Observation", (("category", "vital-signs"), *_VALID), lines.result, 100, True),),
        20,
    ),
    Section(
        "past",
        "11348-0",
        mark("Past problems"),
        "optional",
        (
            Ask(
                "Condition",
                (
                    ("clinical-status", "inactive,resolved,remission"),
                    *_TRUE,
                    ("_sort", "-recorded-date"),
                ),
                lines.problem,
                100,
                alike=True,
            ),
        ),
        40,
    ),
    Section(
        "pregnancy",
        "10162-6",
        mark("Pregnancies"),
        "optional",
        (Ask("Observation", (("code", _PREGNANCY), *_VALID), lines.result),),
    ),
    Section(
        "social",
        "29762-2",
        mark("Social history"),
        "optional",
        (Ask("Observation", (("category", "social-history"), *_VALID), lines.result, 100, True),),
        20,
    ),
    Section(
        "functional",
        "47420-5",
        mark("Functional status"),
        "optional",
        (
            Ask(
                "Condition",
                (("category", f"{SNOMED}|{_DISABILITY}"), *_TRUE, ("_sort", "-recorded-date")),
                lines.problem,
            ),
            Ask(
                "ClinicalImpression",
                (("status", "completed"), ("_sort", "-date")),
                lines.assessment,
                keep=is_functional,
            ),
        ),
        20,
    ),
    Section(
        "plan",
        "18776-5",
        mark("Plan of care"),
        "optional",
        (
            Ask("CarePlan", (("status", "active"), ("_sort", "-date")), lines.plan, 20),
            Ask("ImmunizationRecommendation", (("_sort", "-date"),), lines.recommendation, 5),
        ),
    ),
    Section(
        "directives",
        "42348-3",
        mark("Advance directives"),
        "optional",
        (Ask("Consent", (("scope", "adr"), ("status", "active")), lines.directive, 20),),
    ),
)
KEYS = frozenset(section.key for section in SECTIONS)
