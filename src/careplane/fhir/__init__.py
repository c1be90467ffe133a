"""FHIR R4 as data and pure functions."""
