"""What patients allow: FHIR Consents, each compiled to a restriction on the plan."""
