"""Codes and what they mean: code systems, value sets, concept maps (FHIR R4, 4.6 to 4.11)."""
