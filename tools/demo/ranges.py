"""Reference ranges of adults, and the flags that follow from them (v3 ObservationInterpretation).

Demo values for display; a laboratory sends its own. Critical limits are given where hospitals
commonly phone a result.
"""

from __future__ import annotations

from decimal import Decimal
from typing import NamedTuple

from tools.demo.shapes import HL7, UCUM, Tree, coded


class Range(NamedTuple):
    """Limits in the unit that Synthea uses for the code; None is open."""

    low: str | None
    high: str | None
    critical_low: str | None = None
    critical_high: str | None = None
    digits: int = 1


RANGES: dict[str, Range] = {
    "2339-0": Range("70", "99", "50", "400", 0),  # glucose, blood
    "6299-2": Range("7", "20", None, "100", 0),  # urea nitrogen, blood
    "3094-0": Range("7", "20", None, "100", 0),  # urea nitrogen, serum
    "38483-4": Range("0.6", "1.3", None, "7.5", 2),  # creatinine, blood
    "2160-0": Range("0.6", "1.3", None, "7.5", 2),  # creatinine, serum
    "49765-1": Range("8.5", "10.5", "6.5", "13", 1),  # calcium
    "2947-0": Range("135", "145", "120", "160", 0),  # sodium, blood
    "2951-2": Range("135", "145", "120", "160", 0),  # sodium, serum
    "6298-4": Range("3.5", "5.1", "2.8", "6.2", 1),  # potassium, blood
    "2823-3": Range("3.5", "5.1", "2.8", "6.2", 1),  # potassium, serum
    "2069-3": Range("98", "107", None, None, 0),  # chloride
    "20565-8": Range("22", "29", "10", "40", 0),  # carbon dioxide
    "2093-3": Range(None, "200", None, None, 0),  # cholesterol
    "2571-8": Range(None, "150", None, None, 0),  # triglycerides
    "18262-6": Range(None, "130", None, None, 0),  # LDL
    "2085-9": Range("40", None, None, None, 0),  # HDL
    "4548-4": Range("4.0", "5.6", None, None, 1),  # HbA1c
    "33914-3": Range("60", None, "15", None, 0),  # eGFR
    "718-7": Range("12.0", "17.5", "7", "20", 1),  # haemoglobin
    "4544-3": Range("36", "52", "20", "60", 1),  # haematocrit
    "20570-8": Range("36", "52", "20", "60", 1),
    "6690-2": Range("4.0", "11.0", "2.0", "30", 1),  # leukocytes
    "789-8": Range("4.0", "5.9", None, None, 2),  # erythrocytes
    "777-3": Range("150", "400", "30", "1000", 0),  # platelets
    "787-2": Range("80", "100", None, None, 1),  # MCV
    "785-6": Range("27", "33", None, None, 1),  # MCH
    "786-4": Range("32", "36", None, None, 1),  # MCHC
    "14959-1": Range(None, "30", None, None, 1),  # albumin/creatinine ratio
    "1742-6": Range("7", "56", None, None, 0),  # ALT
    "1920-8": Range("10", "40", None, None, 0),  # AST
    "6768-6": Range("40", "130", None, None, 0),  # alkaline phosphatase
    "1975-2": Range("0.1", "1.2", None, "15", 1),  # bilirubin
    "1751-7": Range("3.5", "5.0", None, None, 1),  # albumin
    "2885-2": Range("6.0", "8.3", None, None, 1),  # protein
    "6301-6": Range("2.0", "3.0", None, "5.0", 1),  # INR, under warfarin
    "33762-6": Range(None, "450", None, "3000", 0),  # NT-proBNP
    "8331-1": Range("36.1", "37.5", "35", "40", 1),  # oral temperature
    "2708-6": Range("94", None, "90", None, 0),  # oxygen saturation
    "59408-5": Range("94", None, "90", None, 0),  # oxygen saturation by pulse oximetry
    "8867-4": Range("60", "100", "40", "130", 0),  # heart rate
    "8480-6": Range("90", "139", "70", "180", 0),  # systolic
    "8462-4": Range("60", "89", "40", "120", 0),  # diastolic
}

FLAGS = {
    "LL": "Critical low",
    "L": "Low",
    "N": "Normal",
    "H": "High",
    "HH": "Critical high",
}


def judge(tree: Tree, code: str) -> None:
    """Give an Observation (or a component) its reference range and flag, if the code has one."""
    value = tree.get("valueQuantity", {}).get("value")
    limits = RANGES.get(code)
    if limits is None or value is None or "referenceRange" in tree:
        return
    flag = _flag(Decimal(value), limits)
    tree["interpretation"] = [coded(HL7 + "v3-ObservationInterpretation", flag, FLAGS[flag])]
    unit = {key: tree["valueQuantity"][key] for key in ("unit", "code")}
    ends = {"low": limits.low, "high": limits.high}
    tree["referenceRange"] = [
        {
            end: {
                "value": Decimal(limit),
                "unit": unit["unit"],
                "system": UCUM,
                "code": unit["code"],
            }
            for end, limit in ends.items()
            if limit is not None
        }
    ]


def _flag(value: Decimal, limits: Range) -> str:
    if limits.critical_low is not None and value < Decimal(limits.critical_low):
        return "LL"
    if limits.critical_high is not None and value > Decimal(limits.critical_high):
        return "HH"
    if limits.low is not None and value < Decimal(limits.low):
        return "L"
    if limits.high is not None and value > Decimal(limits.high):
        return "H"
    return "N"


def digits(code: str) -> int:
    """How many decimals a laboratory would print."""
    return RANGES[code].digits if code in RANGES else 1
