"""The extensions of questionnaires that forms understand (FHIR R4, SDC)."""

from __future__ import annotations

from typing import Final

from careplane.fhir.validation.forms.values import CORE, SDC
from careplane.records import courses

HIDDEN: Final = CORE + "questionnaire-hidden"
CONTROL: Final = CORE + "questionnaire-itemControl"
SUPPORT: Final = CORE + "questionnaire-supportLink"
ORIENTATION: Final = CORE + "questionnaire-choiceOrientation"
UNIT: Final = CORE + "questionnaire-unit"
UNIT_OPTION: Final = CORE + "questionnaire-unitOption"
UNIT_VALUE_SET: Final = (CORE + "questionnaire-unitValueSet", SDC + "unitValueSet")
MIN_OCCURS: Final = CORE + "questionnaire-minOccurs"
MAX_OCCURS: Final = CORE + "questionnaire-maxOccurs"
MIN_LENGTH: Final = CORE + "minLength"
SLIDER_STEP: Final = CORE + "questionnaire-sliderStepValue"
EXCLUSIVE: Final = CORE + "questionnaire-optionExclusive"
ENTRY_FORMAT: Final = CORE + "entryFormat"
REFERENCE_TYPE: Final = CORE + "questionnaire-referenceResource"
TRANSLATION: Final = CORE + "translation"
ORDINAL: Final = (CORE + "ordinalValue", CORE + "itemWeight")
VARIABLE: Final = CORE + "variable"
CONSTRAINT: Final = CORE + "questionnaire-constraint"
LAUNCH: Final = SDC + "launchContext"
INITIAL: Final = SDC + "initialExpression"
CALCULATED: Final = SDC + "calculatedExpression"
ENABLE: Final = SDC + "enableWhenExpression"
ANSWER: Final = SDC + "answerExpression"
POPULATION: Final = SDC + "itemPopulationContext"
LINK_PERIOD: Final = SDC + "observationLinkPeriod"
OBSERVATION: Final = SDC + "observationExtract"
CATEGORY: Final = SDC + "observation-extract-category"
DEFINITION: Final = SDC + "definitionExtract"
DEFINITION_VALUE: Final = SDC + "definitionExtractValue"
EXTRACTION: Final = SDC + "itemExtractionContext"
TASK_CODES: Final = courses.CODES
FILL: Final = "fill-form"
"""The code of a Task that asks somebody to fill a form."""
