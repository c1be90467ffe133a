"""A QuestionnaireResponse held against its Questionnaire (FHIR R4, 18.8; extensions of SDC).

`response` walks items, `enabling` decides which are asked, `answers` looks at single answers,
`coded` at codes from value sets, `expressions` at what is said in FHIRPath.
"""

from careplane.fhir.validation.forms.coded import InSet
from careplane.fhir.validation.forms.response import Resolve, response_problems

__all__ = ["InSet", "Resolve", "response_problems"]
