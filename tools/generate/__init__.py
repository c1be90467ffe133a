"""Writes `src/careplane/fhir/generated/` from the R4 definitions: `python -m tools.generate`."""
