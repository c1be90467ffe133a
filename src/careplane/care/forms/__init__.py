"""Forms: FHIR Questionnaires as clinicians and patients fill them (FHIR R4, 18.7; SDC).

`definition` reads a Questionnaire, `sheet` is a response while it is filled, `typed` reads what was
typed, `settling` says what is asked and calculated, `judging` what is wrong with it. `populating`
fills in what the record knows, `extracting` makes resources of what was answered.
"""
