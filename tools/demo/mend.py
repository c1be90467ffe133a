"""What the Synthea of 2019 got wrong or left out: names of drugs, problems that never end, sigs."""

from __future__ import annotations

import re
from datetime import date, timedelta

from tools.demo.shapes import HL7, SNOMED, Tree, coded

# RxNorm components and misspellings → the clinical drug that later releases of Synthea prescribe
DRUGS: dict[str, tuple[str, str]] = {
    "316672": ("314231", "Simvastatin 10 MG Oral Tablet"),
    "316049": ("310798", "Hydrochlorothiazide 25 MG Oral Tablet"),
    "315971": ("313988", "Furosemide 40 MG Oral Tablet"),
    "897718": ("897718", "Verapamil Hydrochloride 40 MG Oral Tablet"),
}
SIGS: dict[str, str] = {
    "314231": "1 tablet by mouth once a day, in the evening",
    "310798": "1 tablet by mouth once a day, in the morning",
    "313988": "1 tablet by mouth once a day, in the morning",
    "313782": "1 tablet by mouth every 6 hours as needed",
    "860975": "1 tablet by mouth once a day with the evening meal",
    "197361": "1 tablet by mouth once a day",
    "310325": "1 tablet by mouth once a day",
    "309362": "1 tablet by mouth once a day",
    "243670": "1 tablet by mouth once a day",
    "855332": "1 tablet by mouth once a day, dose by INR",
    "197604": "1 tablet by mouth once a day",
    "866414": "1 tablet by mouth once a day",
    "849574": "1 tablet by mouth every 12 hours as needed, with food",
    "310965": "1 tablet by mouth every 6 hours as needed, with food",
    "197319": "1 tablet by mouth once a day",
    "966222": "1 tablet by mouth once a day, before breakfast",
    "904419": "1 tablet by mouth once a day, upright, with water",
    "745679": "2 puffs every 4 to 6 hours as needed",
    "895994": "2 puffs twice a day",
    "896209": "1 inhalation twice a day",
    "1870230": "1 injection into the thigh for a severe reaction, then call for help",
    "665078": "1 tablet by mouth once a day",
    "2001499": "1 injection a month",
}
NAMES: dict[str, str] = {
    "718-7": "Hemoglobin", "787-2": "MCV", "785-6": "MCH", "786-4": "MCHC", "777-3": "Platelets",
    "6690-2": "Leukocytes", "789-8": "Erythrocytes", "4544-3": "Hematocrit",
    "20570-8": "Hematocrit",
    "4548-4": "Hemoglobin A1c", "33914-3": "eGFR", "2885-2": "Protein, total", "1751-7": "Albumin",
    "1975-2": "Bilirubin, total", "6768-6": "Alkaline phosphatase", "1742-6": "ALT",
    "1920-8": "AST", "18262-6": "LDL cholesterol", "2085-9": "HDL cholesterol",
    "2093-3": "Cholesterol", "14959-1": "Albumin/creatinine ratio, urine", "8302-2": "Body height",
    "29463-7": "Body weight", "39156-5": "Body mass index", "8331-1": "Oral temperature",
    "72514-3": "Pain severity", "72166-2": "Tobacco smoking status",
    "8480-6": "Systolic blood pressure", "8462-4": "Diastolic blood pressure",
    "10230-1": "Left ventricular ejection fraction",
    "2857-1": "Prostate specific antigen", "57905-2": "Hemoglobin in stool",
    "20565-8": "Carbon dioxide", "6299-2": "Urea nitrogen",
}  # fmt: skip
"""LOINC code → the name that a clinician reads; the long name stays the coding's display."""
ENDED = re.compile(
    r"Miscarriage|appendi|Rupture|Concussion|Laceration|Sprain|Fracture of|Whiplash|burn|"
    r"Overdose|overdose|Acute|Streptococcal|pregnan|Impacted|ovum|eclampsia|Fetus",
    re.IGNORECASE,
)
_QUALIFIER = re.compile(
    r" \((?:disorder|situation|finding|procedure|record artifact|regime/therapy)\)$"
)


def mend(tree: Tree) -> Tree:
    """The resource, mended by its type."""
    for concept in ("code", "medicationCodeableConcept", "vaccineCode"):
        if "text" in tree.get(concept, {}):
            tree[concept]["text"] = _QUALIFIER.sub("", tree[concept]["text"])
    member = {
        "Condition": _condition,
        "MedicationRequest": _medication,
        "Observation": _observation,
        "AllergyIntolerance": _allergy,
        "Encounter": _encounter,
        "CarePlan": _care_plan,
    }.get(tree["resourceType"])
    return member(tree) if member else tree


def _condition(tree: Tree) -> Tree:
    text = tree["code"]["text"]
    lasting = not ENDED.search(text)
    if not lasting and "abatementDateTime" not in tree and not text.startswith("History"):
        tree["clinicalStatus"] = coded(HL7 + "condition-clinical", "resolved", "Resolved")
        onset = date.fromisoformat(tree["onsetDateTime"][:10])
        tree["abatementDateTime"] = f"{onset + timedelta(days=28)}"
    kind = ("problem-list-item", "Problem List Item") if lasting else (
        "encounter-diagnosis", "Encounter Diagnosis")  # fmt: skip
    tree["category"] = [coded(HL7 + "condition-category", *kind)]
    return tree


def _medication(tree: Tree) -> Tree:
    coding = tree["medicationCodeableConcept"]["coding"][0]
    if coding["code"] in DRUGS:
        coding["code"], coding["display"] = DRUGS[coding["code"]]
        tree["medicationCodeableConcept"]["text"] = coding["display"]
    if coding["code"] in SIGS:
        dosage = tree.setdefault("dosageInstruction", [{}])[0]
        dosage["text"] = SIGS[coding["code"]]
    return tree


def _observation(tree: Tree) -> Tree:
    category = tree["category"][0]["coding"][0]
    if category["code"] == "vital-sign":
        category["code"] = "vital-signs"
    category["display"] = category["code"].replace("-", " ").title()
    for piece in (tree, *tree.get("component", ())):
        name = NAMES.get(piece["code"]["coding"][0]["code"])
        piece["code"]["text"] = name or piece["code"]["text"]
    coding = tree["code"]["coding"][0]
    if coding["code"] == "55284-4":  # the older panel; the vital-signs profile asks for 85354-9
        tree["code"]["coding"][0] = {
            "system": coding["system"],
            "code": "85354-9",
            "display": "Blood pressure panel with all children optional",
        }
        tree["code"]["text"] = "Blood pressure"
    return tree


def _allergy(tree: Tree) -> Tree:
    tree["code"]["text"] = tree["code"]["text"].replace("mould", "mold")
    return tree


def _encounter(tree: Tree) -> Tree:
    tree["class"]["display"] = {
        "AMB": "ambulatory",
        "EMER": "emergency",
        "IMP": "inpatient encounter",
    }[tree["class"]["code"]]
    for kind in tree["type"]:
        kind["text"] = _QUALIFIER.sub("", kind["text"]).replace("'check-up'", "check up")
    return tree


def _care_plan(tree: Tree) -> Tree:
    tree["title"] = _QUALIFIER.sub("", tree["category"][0]["text"])
    tree["category"].append(coded(SNOMED, "734163000", "Care plan (record artifact)"))
    return tree
