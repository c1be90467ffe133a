"""Measures a FHIR server from outside: Careplane by default, any other by its base address."""
