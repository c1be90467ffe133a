"""What a mole of an analyte weighs, by which amounts of substance and masses are compared.

A ConceptMap says it: from the code of a measurement to a unit of UCUM that is a mass a mole, such
as `180156.mg/mol` for glucose. `built_in` is the one that comes with Careplane; a ConceptMap of
one's own with the same `target` adds to it (`masses_in`).
"""

from careplane.fhir.analytes.concept_map import TARGET, URL, concept_map
from careplane.fhir.analytes.masses import Masses, built_in, masses_in

__all__ = ["TARGET", "URL", "Masses", "built_in", "concept_map", "masses_in"]
