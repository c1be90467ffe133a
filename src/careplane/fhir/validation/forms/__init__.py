"""A QuestionnaireResponse held against its Questionnaire (FHIR R4, 18.8; extensions of SDC).

`response` walks items, `enabling` decides which are asked, `answers` looks at single answers.
"""

from careplane.fhir.validation.forms.response import Resolve, response_problems

__all__ = ["Resolve", "response_problems"]
