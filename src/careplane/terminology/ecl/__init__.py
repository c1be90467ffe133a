"""SNOMED CT's Expression Constraint Language, as far as it is offered here: read, and run."""
