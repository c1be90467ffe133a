"""From a FHIRPath expression and the type that it is written for to Python over the structs.

Static types come from `definitions`; what cannot be said in Python raises `Untranslatable`.
"""

from careplane.fhir.translate.flow import Untranslatable
from careplane.fhir.translate.translate import Translator

__all__ = ["Translator", "Untranslatable"]
