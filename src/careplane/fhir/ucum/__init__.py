"""UCUM, the Unified Code for Units of Measure: pure, case-sensitive, exact.

A code is parsed once; amounts are compared as rationals, so that 1 mg/dL is 10 mg/L to the digit.
"""

from careplane.fhir.ucum.conversion import canonicalise, comparable, compare, convert
from careplane.fhir.ucum.errors import NotAUnit, NotComparable
from careplane.fhir.ucum.parser import parse
from careplane.fhir.ucum.products import divide, multiply
from careplane.fhir.ucum.unit import Unit

__all__ = [
    "NotAUnit",
    "NotComparable",
    "Unit",
    "canonicalise",
    "comparable",
    "compare",
    "convert",
    "divide",
    "multiply",
    "parse",
]
