"""The lists of a chart that people write: problems, allergies, immunizations, vitals, team."""
